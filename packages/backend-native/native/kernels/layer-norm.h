// y = (x - mean(x)) / deviation(x) * weight + bias by rows: packages/backend/src/ops/layer-norm.ts.

struct Moments {
  float mean, scale;  // scale = 1 / sqrt(variance + epsilon)
};

// Two passes, for the difference of the mean square and the squared mean would lose the digits of a large mean.
inline Moments moments_of(const float* x, int64_t width, float epsilon) {
  vfloat total{}, squares{};
  for (int64_t j = 0; j < width; j += W) total += load(x + j, std::min<int64_t>(W, width - j));
  const float mean = sum(total) / width;
  for (int64_t j = 0; j < width; j += W) {
    const int64_t n = std::min<int64_t>(W, width - j);
    const vfloat v = select(lanes() < (int32_t)n, load(x + j, n) - mean, splat(0.f));
    squares += v * v;
  }
  return {mean, 1.f / std::sqrt(sum(squares) / width + epsilon)};
}

static void layer_norm(int64_t rows, int64_t width, float epsilon, const float* x, const float* weight, const float* bias,
                       float* out) {
  parallel_for(rows, grain_of(width), [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t at = row * width;
      const auto [mean, scale] = moments_of(x + at, width, epsilon);
      for (int64_t j = 0; j < width; j += W) {
        const int64_t n = std::min<int64_t>(W, width - j);
        store(out + at + j, (load(x + at + j, n) - mean) * scale * load(weight + j, n) + load(bias + j, n), n);
      }
    }
  });
}

// With z = (x - mean) scale and g = dy weight: dx = scale (g - mean(g) - z mean(g z)); dweight and dbias are the sums
// of dy z and dy over the rows.
static void layer_norm_gradient(int64_t rows, int64_t width, float epsilon, const float* x, const float* weight,
                                const float* dy, float* dx, float* d_weight, float* d_bias) {
  float* both = scratch_of<float>(kKernel + 1, 2 * width);
  sum_over_chunks(rows, grain_of(width), 2 * width, both, [=](int64_t begin, int64_t end, float* sums) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t at = row * width;
      const auto [mean, scale] = moments_of(x + at, width, epsilon);
      vfloat total{}, products{};
      for (int64_t j = 0; j < width; j += W) {
        const int64_t n = std::min<int64_t>(W, width - j);
        const vfloat g = load(dy + at + j, n) * load(weight + j, n);
        total += g;
        products += g * (load(x + at + j, n) - mean);
      }
      const float mean_g = sum(total) / width, mean_gz = sum(products) * scale / width;
      for (int64_t j = 0; j < width; j += W) {
        const int64_t n = std::min<int64_t>(W, width - j);
        const vfloat d = load(dy + at + j, n), z = (load(x + at + j, n) - mean) * scale;
        store(dx + at + j, (d * load(weight + j, n) - mean_g - z * mean_gz) * scale, n);
        store(sums + j, load(sums + j, n) + d * z, n);
        store(sums + width + j, load(sums + width + j, n) + d, n);
      }
    }
  });
  std::copy(both, both + width, d_weight);
  std::copy(both + width, both + 2 * width, d_bias);
}

inline void register_layer_norm(const Exports& exports) {
  export_function<layer_norm>(exports, "layerNorm");
  export_function<layer_norm_gradient>(exports, "layerNormGradient");
}
