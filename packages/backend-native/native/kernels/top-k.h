// The k greatest of each row, best first, the smaller place first among equals.

// A number that is greater for what comes first: the float's order above, its place below. NaN comes last, -0 equals 0.
inline int64_t rank_of(float x, int64_t place) {
  int32_t order;
  x += 0.f;
  std::memcpy(&order, &x, sizeof order);
  order = x != x ? INT32_MIN : order ^ ((order >> 31) & 0x7fffffff);
  return static_cast<int64_t>(order) * (int64_t{1} << 32) + (0xffffffff - place);
}
inline int64_t place_of(int64_t rank) { return 0xffffffff - (rank & 0xffffffff); }

/// values and indices [rows, k] of x [rows, columns], k <= columns.
static void top_k(const float* x, int64_t rows, int64_t columns, int64_t k, float* values, int32_t* indices) {
  if (k == 0) return;
  parallel_for(rows, grain_of(columns), [&](int64_t begin, int64_t end) {
    // A heap with the worst of the kept on top.
    int64_t* kept = scratch_of<int64_t>(kKernel, k);
    const auto after = std::greater<int64_t>();
    for (int64_t row = begin; row < end; row++) {
      const float* from = x + row * columns;
      for (int64_t j = 0; j < k; j++) kept[j] = rank_of(from[j], j);
      std::make_heap(kept, kept + k, after);
      float worst = from[place_of(kept[0])];
      for_each_vector(columns - k, [&](int64_t j, auto n) {
        const float* at = from + k + j;
        // Not `greater`: everything passes a NaN.
        vint candidate = ~(load(at, n) <= worst);
        if (n < W) candidate &= lanes() < static_cast<int32_t>(n);
        for (uint32_t bits = lanes_of(candidate); bits != 0; bits &= bits - 1) {
          const int i = __builtin_ctz(bits);
          const int64_t rank = rank_of(at[i], k + j + i);
          if (rank < kept[0]) continue;
          std::pop_heap(kept, kept + k, after);
          kept[k - 1] = rank;
          std::push_heap(kept, kept + k, after);
          worst = from[place_of(kept[0])];
        }
      });
      std::sort(kept, kept + k, after);
      for (int64_t j = 0; j < k; j++) {
        indices[row * k + j] = static_cast<int32_t>(place_of(kept[j]));
        values[row * k + j] = from[place_of(kept[j])];
      }
    }
  });
}

inline void register_top_k(const Exports& exports) { export_function<top_k>(exports, "topK"); }
