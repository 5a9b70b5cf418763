// Softmax over rows: three looks at a row, of which the second and third find it in the cache.
static void softmax(const float* x, int64_t rows, int64_t columns, float* out) {
  parallel_for(rows, grain_of(columns), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float* from = x + row * columns;
      float* to = out + row * columns;
      const float top = greatest(from, columns);
      vfloat total{};
      for_each_vector(columns, [&](int64_t j, auto n) {
        vfloat power = exponential(load(from + j, n) - top);
        store(to + j, power, n);
        if (n < W) power = select(lanes() < static_cast<int32_t>(n), power, splat(0.f));
        total += power;
      });
      const float scale = 1.f / sum(total);
      for_each_vector(columns, [&](int64_t j, auto n) { store(to + j, load(to + j, n) * scale, n); });
    }
  });
}

inline void register_softmax(const Exports& exports) { export_function<softmax>(exports, "softmax"); }
