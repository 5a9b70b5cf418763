// y = x / rms(x) * weight by rows: packages/backend/src/ops/rms-norm.ts. The second look at a row finds it in the cache.

inline void rms_norm_row(const float* x, const float* weight, int64_t width, float epsilon, float* out) {
  vfloat squares{};
  for_each_vector(width, [&](int64_t j, auto n) {
    const vfloat v = load(x + j, n);
    squares += v * v;
  });
  const float scale = 1.f / std::sqrt(sum(squares) / width + epsilon);
  for_each_vector(width, [&](int64_t j, auto n) { store(out + j, load(x + j, n) * scale * load(weight + j, n), n); });
}

// With r = 1 / rms(x) and g = dy weight: dx = r g - x r^3 mean(g x), added to `residual` if there is one; d_weight += dy x r.
inline void rms_norm_gradient_row(const float* x, const float* weight, const float* dy, int64_t width, float epsilon,
                                  const float* residual, float* dx, float* d_weight) {
  vfloat squares{}, products{};
  for_each_vector(width, [&](int64_t j, auto n) {
    const vfloat v = load(x + j, n);
    squares += v * v;
    products += load(dy + j, n) * load(weight + j, n) * v;
  });
  const float scale = 1.f / std::sqrt(sum(squares) / width + epsilon);
  const float pull = scale * scale * scale * (sum(products) / width);
  for_each_vector(width, [&](int64_t j, auto n) {
    const vfloat v = load(x + j, n), d = load(dy + j, n);
    vfloat gradient = d * load(weight + j, n) * scale - v * pull;
    if (residual) gradient = load(residual + j, n) + gradient;
    store(dx + j, gradient, n);
    store(d_weight + j, load(d_weight + j, n) + d * v * scale, n);
  });
}

static void rms_norm(int64_t rows, int64_t width, float epsilon, const float* x, const float* weight, float* out) {
  parallel_for(rows, grain_of(width), [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) rms_norm_row(x + row * width, weight, width, epsilon, out + row * width);
  });
}

static void rms_norm_gradient(int64_t rows, int64_t width, float epsilon, const float* x, const float* weight, const float* dy,
                              float* dx, float* d_weight) {
  sum_over_chunks(rows, grain_of(width), width, d_weight, [=](int64_t begin, int64_t end, float* sums) {
    for (int64_t at = begin * width; at < end * width; at += width)
      rms_norm_gradient_row(x + at, weight, dy + at, width, epsilon, nullptr, dx + at, sums);
  });
}

inline void register_rms_norm(const Exports& exports) {
  export_function<rms_norm>(exports, "rmsNorm");
  export_function<rms_norm_gradient>(exports, "rmsNormGradient");
}
