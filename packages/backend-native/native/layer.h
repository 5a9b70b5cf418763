// What the fused layers of a transformer share: x + dropout(f(norm(x))) for a chunk of rows at a time. All that f makes between
// x and its result lies in scratch memory and stays in the second-level cache; the backward pass makes it again from x.
// Included inside `namespace ISA`.

// Rows of a chunk: enough for whole tiles of a product, few enough that a dozen arrays of them fit the cache.
constexpr int64_t kLayerRows = 256;

// Arrays in one piece of scratch memory: `layout` takes them in order, first to learn their size, then to place them.
class Workspace {
 public:
  explicit Workspace(void* memory = nullptr) : begin_(static_cast<char*>(memory)) {}
  template <class T>
  T* take(int64_t count) {
    T* array = reinterpret_cast<T*>(begin_ + used_);
    used_ += (count * sizeof(T) + 127) / 64 * 64;  // a vector may be read past the end
    return array;
  }
  int64_t used() const { return used_; }

 private:
  char* begin_;
  int64_t used_ = 0;
};

template <class F>
auto in_scratch(int slot, F&& layout) {
  Workspace measured;
  layout(measured);
  Workspace placed(scratch(slot, measured.used()));
  return layout(placed);
}

// Weights [depth, n] packed as the right factor of products; several of them one below the other, for left factors side by side.
template <class P>
struct PackedWeight {
  std::vector<Matrix> parts;
  int64_t n, depth;
  typename P::Packed* packed;

  int64_t panels() const { return (n + P::kColumns - 1) / P::kColumns; }
  int64_t total_depth() const { return parts.size() * P::padded(depth); }

  // C [rows, n] = or += a packed A times this.
  void multiply(const typename P::Packed* a, int64_t rows, float* c, int64_t ldc, bool accumulate = false, int activation = kNone) const {
    Epilogue epilogue;
    epilogue.accumulate = accumulate;
    epilogue.activation = activation;
    multiply(a, rows, c, ldc, epilogue);
  }
  void multiply(const typename P::Packed* a, int64_t rows, float* c, int64_t ldc, const Epilogue& epilogue) const {
    multiply_panels<P>(a, rows, packed, 0, panels(), n, total_depth(), c, ldc, epilogue);
  }
};

// Packs weights into one scratch slot, on all threads.
template <class P>
void pack_weights(std::vector<PackedWeight<P>>& weights, int slot) {
  in_scratch(slot, [&](Workspace& room) {
    for (auto& weight : weights) weight.packed = room.take<typename P::Packed>(packed_size<P>(weight.n, weight.total_depth()));
    return 0;
  });
  parallel_for(weights.size(), 1, [&](int64_t begin, int64_t) {
    const PackedWeight<P>& weight = weights[begin];
    for (size_t part = 0; part < weight.parts.size(); part++)
      pack_column_panels<P>(weight.parts[part], weight.n, weight.depth,
                            weight.packed + part * P::padded(weight.depth) * P::kColumns, weight.total_depth());
  });
}

// Rows of a left factor, packed; several factors of one depth side by side.
template <class P>
struct PackedRows {
  typename P::Packed* packed;
  int64_t parts;
  PackedRows(Workspace& room, int64_t rows, int64_t depth, int64_t parts = 1)
      : packed(room.take<typename P::Packed>((rows + P::kRows) * P::padded(depth) * parts)), parts(parts) {}
  const typename P::Packed* pack(const Matrix& a, int64_t rows, int64_t depth, int64_t part = 0) const {
    const int64_t padded = P::padded(depth);
    pack_row_panels<P>(a, 0, rows, 0, depth, packed + part * padded * P::kRows, padded * parts);
    return packed;
  }
  // The columns `first` to first + count - 1 of rows that have `depth`.
  void pack_at(const Matrix& a, int64_t rows, int64_t first, int64_t count, int64_t depth) const {
    pack_row_panels<P>(a, 0, rows, 0, count, packed + first * P::kRows, P::padded(depth));
  }
  // One tile of such rows of `depth` columns.
  void put(float* tile, int64_t row, int64_t rows, int64_t column, int64_t columns, int64_t depth) const {
    P::pack_rows({tile, P::kColumns, false}, 0, rows, 0, columns, packed + row * P::padded(depth) + column * P::kRows);
  }
};

// Columns of a right factor that belongs to a chunk, packed.
template <class P>
struct PackedColumns {
  typename P::Packed* packed;
  PackedColumns(Workspace& room, int64_t columns, int64_t depth) : packed(room.take<typename P::Packed>(packed_size<P>(columns, depth))) {}
  const typename P::Packed* pack(const Matrix& b, int64_t columns, int64_t depth) const {
    pack_column_panels<P>(b, columns, depth, packed, P::padded(depth));
    return packed;
  }
  // The rows `first` to first + count - 1 of columns that have `depth`.
  void pack_at(const Matrix& b, int64_t columns, int64_t first, int64_t count, int64_t depth) const {
    pack_column_panels<P>(b, columns, count, packed + first * P::kColumns, P::padded(depth));
  }
  // One tile of such columns, of which each has `depth` rows.
  void put(float* tile, int64_t row, int64_t rows, int64_t column, int64_t columns, int64_t depth) const {
    P::pack_columns({tile, P::kColumns, false}, 0, columns, 0, rows, packed + column * P::padded(depth) + row * P::kColumns);
  }
};

// The products of packed rows and a packed weight, tile by tile: consume(tile, row, rows, column, columns), where the tile has
// P::kColumns columns and may be written.
template <class P, class F>
void for_each_tile(const typename P::Packed* a, int64_t rows, const PackedWeight<P>& weight, F&& consume) {
  const int64_t depth = weight.total_depth(), block = rows_of_sweep<P>(depth);
  alignas(64) float tile[P::kRows * P::kColumns];
  for (int64_t row0 = 0; row0 < rows; row0 += block)
    for (int64_t column = 0; column < weight.n; column += P::kColumns)
      for (int64_t r = row0; r < std::min(rows, row0 + block); r += P::kRows) {
        P::multiply(a + r * depth, weight.packed + column * depth, depth, tile, P::kColumns, false);
        consume(tile, r, std::min(P::kRows + 0, rows - r), column, std::min(P::kColumns + 0, weight.n - column));
      }
}

// C [m, n] = or += A B, both packed, with a sum over `depth` rows: a weight's gradient.
template <class P>
void multiply_packed(const typename P::Packed* a, int64_t m, const typename P::Packed* b, int64_t n, int64_t depth, float* c,
                     int64_t ldc, bool accumulate) {
  Epilogue epilogue;
  epilogue.accumulate = accumulate;
  multiply_panels<P>(a, m, b, 0, (n + P::kColumns - 1) / P::kColumns, n, depth, c, ldc, epilogue);
}

// What stands around f: the norm before it, the dropout after it.
struct LayerEnds {
  const float* norm;  // [width]
  float epsilon;
  ElementDropout dropout;

  void normalise(const float* x, int64_t rows, int64_t width, float* normed) const {
    for (int64_t i = 0; i < rows; i++) rms_norm_row(x + i * width, norm, width, epsilon, normed + i * width);
  }

  // y = x + dropout(y); `first` is the number of the first row in the whole matrix, `room` holds width + 16 floats.
  void add(const float* x, int64_t first, int64_t rows, int64_t width, float* y, float* room) const {
    for (int64_t i = 0; i < rows; i++) {
      const float* factors = dropout.factors((first + i) * width, width, room);
      for (int64_t j = i * width, c = 0; c < width; c += W, j += W) {
        const int64_t n = std::min<int64_t>(W, width - c);
        const vfloat value = factors ? load(y + j, n) * load(factors + c, n) : load(y + j, n);
        store(y + j, load(x + j, n) + value, n);
      }
    }
  }

  // What reaches f's result: dy where it was kept.
  void drop(const float* dy, int64_t first, int64_t rows, int64_t width, float* dropped, float* room) const {
    for (int64_t i = 0; i < rows; i++) {
      const float* factors = dropout.factors((first + i) * width, width, room);
      for (int64_t j = i * width, c = 0; c < width; c += W, j += W) {
        const int64_t n = std::min<int64_t>(W, width - c);
        store(dropped + j, factors ? load(dy + j, n) * load(factors + c, n) : load(dy + j, n), n);
      }
    }
  }

  // dx = dy + what comes back through the norm from d_normed; d_norm grows by the weight's gradient.
  void normalise_gradient(const float* x, const float* d_normed, const float* dy, int64_t rows, int64_t width, float* dx,
                          float* d_norm) const {
    for (int64_t at = 0; at < rows * width; at += width)
      rms_norm_gradient_row(x + at, norm, d_normed + at, width, epsilon, dy + at, dx + at, d_norm);
  }
};

// A gradient that all chunks add to.
struct Total {
  float* out;
  int64_t size;
  int64_t turned = 0;  // the sums are of its transpose, which has so many rows; 0 for none
};

// Chunks are summed in at most so many groups, whatever the number of threads: each thread takes a group at a time.
constexpr int64_t kGroups = 8;

/// Calls f(chunk, sums, first) for every chunk, where sums[i] is what the chunk's group adds up for totals[i]; the group's first
/// chunk finds garbage there and stores instead of adding. Then adds the groups up in order.
template <int N, class F>
void sum_over_groups(int64_t chunks, int slot, const Total (&totals)[N], F&& f) {
  const int64_t groups = std::min(kGroups + 0, chunks);
  int64_t size = 0;
  for (const Total& total : totals) size += total.size;
  if (groups == 0)
    for (const Total& total : totals) std::fill(total.out, total.out + total.size, 0.f);
  float* partial = scratch_of<float>(slot, groups * size);
  parallel_for(groups, 1, [&](int64_t group, int64_t) {
    float* sums[N];
    float* at = partial + group * size;
    for (int i = 0; i < N; i++) {
      sums[i] = at;
      at += totals[i].size;
    }
    const int64_t first = chunks * group / groups;
    for (int64_t chunk = first; chunk < chunks * (group + 1) / groups; chunk++) f(chunk, sums, chunk == first);
  });
  if (groups == 0) return;
  for (const Total& total : totals) {
    parallel_for(total.size, 16384, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i += W) {
        const int64_t n = std::min<int64_t>(W, end - i);
        vfloat sum = load(partial + i, n);
        for (int64_t group = 1; group < groups; group++) sum += load(partial + group * size + i, n);
        if (total.turned == 0) {
          store(total.out + i, sum, n);
          continue;
        }
        const int64_t columns = total.size / total.turned;
        for (int64_t lane = 0; lane < n; lane++)
          total.out[(i + lane) % columns * total.turned + (i + lane) / columns] = sum[lane];
      }
    });
    partial += total.size;
  }
}
