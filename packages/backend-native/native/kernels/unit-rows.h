// y = x / |x| by rows: packages/backend/src/ops/unit-rows.ts. The second look at a row finds it in the cache.

// Rows are taken to be no shorter, so that one can divide by their lengths.
constexpr float kLeastLength = 1e-12f;

inline float row_length(const float* x, int64_t width) {
  vfloat squares{};
  for_each_vector(width, [&](int64_t j, auto n) {
    const vfloat v = load(x + j, n);
    squares += v * v;
  });
  return std::sqrt(sum(squares));
}

static void unit_rows(int64_t rows, int64_t width, const float* x, float* out) {
  parallel_for(rows, grain_of(width), [=](int64_t begin, int64_t end) {
    for (int64_t at = begin * width; at < end * width; at += width) {
      const float scale = 1.f / std::max(row_length(x + at, width), kLeastLength);
      for_each_vector(width, [&](int64_t j, auto n) { store(out + at + j, load(x + at + j, n) * scale, n); });
    }
  });
}

// dx = (dy - y (y . dy)) / |x|; where the length is the least one, which x has no part in, dy / |x|.
static void unit_rows_gradient(int64_t rows, int64_t width, const float* x, const float* dy, float* dx) {
  parallel_for(rows, grain_of(width), [=](int64_t begin, int64_t end) {
    for (int64_t at = begin * width; at < end * width; at += width) {
      const float length = row_length(x + at, width), scale = 1.f / std::max(length, kLeastLength);
      vfloat products{};
      for_each_vector(width, [&](int64_t j, auto n) { products += load(x + at + j, n) * load(dy + at + j, n); });
      const float pull = length > kLeastLength ? sum(products) * scale * scale : 0.f;
      for_each_vector(width, [&](int64_t j, auto n) {
        store(dx + at + j, (load(dy + at + j, n) - load(x + at + j, n) * pull) * scale, n);
      });
    }
  });
}

inline void register_unit_rows(const Exports& exports) {
  export_function<unit_rows>(exports, "unitRows");
  export_function<unit_rows_gradient>(exports, "unitRowsGradient");
}
