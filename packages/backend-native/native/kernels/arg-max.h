// The place of the greatest or smallest element, the first among equals. Elements that are NaN never win, but stay if first.

namespace places {

struct Greatest {
  static vint better(vfloat a, vfloat b) { return a > b; }
  static bool better(float a, float b) { return a > b; }
};
struct Smallest {
  static vint better(vfloat a, vfloat b) { return a < b; }
  static bool better(float a, float b) { return a < b; }
};

inline vint pick(vint mask, vint yes, vint no) { return (mask & yes) | (~mask & no); }

template <class Op>
inline int32_t place_in_row(const float* x, int64_t count) {
  // Every lane begins with the first element; of two lanes with equal ones the smaller place wins at the end.
  vfloat best = splat(*x);
  vint place{}, here = lanes();
  for_each_vector(count, [&](int64_t j, auto n) {
    const vfloat v = load(x + j, n);
    vint mask = Op::better(v, best);
    if (n < W) mask &= lanes() < static_cast<int32_t>(n);
    best = select(mask, v, best);
    place = pick(mask, here, place);
    here += W;
  });
  float most = best[0];
  int32_t first = place[0];
  for (int i = 1; i < W; i++)
    if (Op::better(best[i], most) || (best[i] == most && place[i] < first)) {
      most = best[i];
      first = place[i];
    }
  return first;
}

}  // namespace places

/// out [outer, inner] = the place of the winner in x [outer, count, inner].
template <class Op>
void arg_best(const float* x, int64_t outer, int64_t count, int64_t inner, int32_t* out) {
  using namespace places;
  if (inner == 1) {
    parallel_for(outer, grain_of(count), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) out[i] = place_in_row<Op>(x + i * count, count);
    });
    return;
  }
  constexpr int64_t kColumns = 8 * W;
  const int64_t blocks = (inner + kColumns - 1) / kColumns;
  parallel_for(outer * blocks, grain_of(count * std::min(inner, kColumns)), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t column = task % blocks * kColumns, columns = std::min(kColumns, inner - column);
      const float* from = x + task / blocks * count * inner + column;
      int32_t* to = out + task / blocks * inner + column;
      for_each_vector(columns, [&](int64_t j, auto n) {
        vfloat best = load(from + j, n);
        vint place{};
        for (int64_t i = 1; i < count; i++) {
          const vfloat v = load(from + i * inner + j, n);
          const vint mask = Op::better(v, best);
          best = select(mask, v, best);
          place = pick(mask, splat_int(static_cast<int32_t>(i)), place);
        }
        std::memcpy(to + j, &place, n * sizeof(int32_t));
      });
    }
  });
}

inline void register_arg_max(const Exports& exports) {
  export_function<arg_best<places::Greatest>>(exports, "argMax");
  export_function<arg_best<places::Smallest>>(exports, "argMin");
}
