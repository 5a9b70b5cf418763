// The mean over rows of |x - y|^2, and its gradient.

static void mean_squared_distance(const float* x, const float* y, int64_t rows, int64_t width, float* mean) {
  constexpr int64_t kPiece = 16384;
  const int64_t size = rows * width, pieces = (size + kPiece - 1) / kPiece;
  float* partial = scratch_of<float>(kKernel, pieces);
  parallel_for(pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; piece++)
      partial[piece] =
          squared_difference(x + piece * kPiece, 1.f, y + piece * kPiece, std::min(kPiece + 0, size - piece * kPiece));
  });
  double total = 0;
  for (int64_t piece = 0; piece < pieces; piece++) total += partial[piece];
  *mean = static_cast<float>(total / static_cast<double>(rows));
}

static void mean_squared_distance_gradient(const float* x, const float* y, const float* dy, int64_t rows, int64_t width,
                                           float* dx) {
  const float scale = *dy * 2.f / static_cast<float>(rows);
  parallel_for(rows * width, 16384, [&](int64_t begin, int64_t end) {
    for_each_vector(end - begin, [&](int64_t i, auto n) {
      store(dx + begin + i, (load(x + begin + i, n) - load(y + begin + i, n)) * scale, n);
    });
  });
}

inline void register_mean_squared_distance(const Exports& exports) {
  export_function<mean_squared_distance>(exports, "meanSquaredDistance");
  export_function<mean_squared_distance_gradient>(exports, "meanSquaredDistanceGradient");
}
