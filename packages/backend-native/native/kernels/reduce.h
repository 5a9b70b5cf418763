// Reductions of the middle one of three dimensions, x [outer, count, inner] -> [outer, inner]; src/kernels/reduce.ts reduces any
// axes by these. Work is cut into pieces that depend on the shape only, and their results are combined in order.

namespace reductions {

struct Sum {
  static constexpr float kEmpty = 0;
  typedef double Total;  // of the pieces
  static vfloat combine(vfloat a, vfloat b) { return a + b; }
  static double combine(double a, double b) { return a + b; }
  static float lanes(vfloat v) { return sum(v); }
};
struct Product {
  static constexpr float kEmpty = 1;
  typedef double Total;
  static vfloat combine(vfloat a, vfloat b) { return a * b; }
  static double combine(double a, double b) { return a * b; }
  static float lanes(vfloat v) {
    double product = 1;
    for (int i = 0; i < W; i++) product *= v[i];
    return static_cast<float>(product);
  }
};
// NaN wins, as on the cpu backend.
struct Max {
  static constexpr float kEmpty = -INFINITY;
  typedef float Total;
  static vfloat combine(vfloat a, vfloat b) { return select((a != a) | (a > b), a, b); }
  static float combine(float a, float b) { return a != a || a > b ? a : b; }
  static float lanes(vfloat v) {
    float most = v[0];
    for (int i = 1; i < W; i++) most = combine(most, v[i]);
    return most;
  }
};
struct Min {
  static constexpr float kEmpty = INFINITY;
  typedef float Total;
  static vfloat combine(vfloat a, vfloat b) { return select((a != a) | (a < b), a, b); }
  static float combine(float a, float b) { return a != a || a < b ? a : b; }
  static float lanes(vfloat v) {
    float least = v[0];
    for (int i = 1; i < W; i++) least = combine(least, v[i]);
    return least;
  }
};

template <class Op>
inline float reduce_row(const float* x, int64_t n) {
  const vfloat empty = splat(Op::kEmpty);
  vfloat a = empty, b = empty, c = empty, d = empty;
  int64_t i = 0;
  for (; i + 4 * W <= n; i += 4 * W) {
    a = Op::combine(a, load(x + i));
    b = Op::combine(b, load(x + i + W));
    c = Op::combine(c, load(x + i + 2 * W));
    d = Op::combine(d, load(x + i + 3 * W));
  }
  for (; i + W <= n; i += W) a = Op::combine(a, load(x + i));
  if (i < n) {
    vfloat rest = empty;
    std::memcpy(&rest, x + i, (n - i) * sizeof(float));
    b = Op::combine(b, rest);
  }
  return Op::lanes(Op::combine(Op::combine(a, b), Op::combine(c, d)));
}

// out [columns] = reduction over `rows` rows that lie `stride` apart, times scale.
template <class Op>
inline void reduce_rows(const float* x, int64_t stride, int64_t rows, int64_t columns, float* out, float scale) {
  const auto pass = [&](int64_t row, int64_t count, bool first, bool last) {
    for_each_vector(columns, [&](int64_t j, auto n) {
      const float* at = x + row * stride + j;
      vfloat v = load(at, n);
      if (count == 4)
        v = Op::combine(Op::combine(v, load(at + stride, n)),
                        Op::combine(load(at + 2 * stride, n), load(at + 3 * stride, n)));
      if (!first) v = Op::combine(load(out + j, n), v);
      if (last) v = v * scale;
      store(out + j, v, n);
    });
  };
  for (int64_t row = 0; row < rows;) {
    const int64_t count = row + 4 <= rows ? 4 : 1;
    pass(row, count, row == 0, row + count == rows);
    row += count;
  }
}

}  // namespace reductions

template <class Op>
void reduce(const float* x, int64_t outer, int64_t count, int64_t inner, float scale, float* out) {
  using namespace reductions;
  typedef typename Op::Total Total;
  if (inner == 1) {
    constexpr int64_t kPiece = 16384;
    const int64_t pieces = (count + kPiece - 1) / kPiece;
    if (pieces == 1) {
      parallel_for(outer, grain_of(count), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) out[i] = reduce_row<Op>(x + i * count, count) * scale;
      });
      return;
    }
    float* partial = scratch_of<float>(kKernel, outer * pieces);
    parallel_for(outer * pieces, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; task++) {
        const int64_t row = task / pieces, start = task % pieces * kPiece;
        partial[task] = reduce_row<Op>(x + row * count + start, std::min(kPiece, count - start));
      }
    });
    for (int64_t i = 0; i < outer; i++) {
      Total total = partial[i * pieces];
      for (int64_t piece = 1; piece < pieces; piece++) total = Op::combine(total, Total(partial[i * pieces + piece]));
      out[i] = static_cast<float>(total) * scale;
    }
    return;
  }
  // Blocks of columns, and pieces of some 64 k elements of their rows.
  const int64_t width = std::min<int64_t>(inner, 2048), blocks = (inner + width - 1) / width;
  const int64_t height = std::max<int64_t>(32, 65536 / width), pieces = (count + height - 1) / height;
  float* partial = pieces == 1 ? out : scratch_of<float>(kKernel, outer * pieces * inner);
  const int64_t grain = grain_of(std::min(count, height) * width);
  parallel_for(outer * pieces * blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t piece = task / blocks, column = task % blocks * width;
      const int64_t i = piece / pieces, row = piece % pieces * height;
      reduce_rows<Op>(x + (i * count + row) * inner + column, inner, std::min(height, count - row),
                      std::min(width, inner - column), partial + piece * inner + column, pieces == 1 ? scale : 1.f);
    }
  });
  if (pieces == 1) return;
  parallel_for(outer * blocks, grain_of(pieces * width), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t i = task / blocks, column = task % blocks * width;
      reduce_rows<Op>(partial + i * pieces * inner + column, inner, pieces, std::min(width, inner - column),
                      out + i * inner + column, scale);
    }
  });
}

inline void register_reduce(const Exports& exports) {
  export_function<reduce<reductions::Sum>>(exports, "reduceSum");
  export_function<reduce<reductions::Product>>(exports, "reduceProduct");
  export_function<reduce<reductions::Max>>(exports, "reduceMax");
  export_function<reduce<reductions::Min>>(exports, "reduceMin");
}
