// The backward pass of relu(x W + b) up to the matrix products.

/// d_sum[i] = dy[i] where y[i] > 0, else 0; d_bias = the sum of its rows. A NaN stays one.
static void relu_bias_gradient(const float* y, const float* dy, int64_t rows, int64_t width, float* d_sum, float* d_bias) {
  sum_over_chunks(rows, grain_of(width), width, d_bias, [&](int64_t begin, int64_t end, float* sums) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t at = row * width;
      for_each_vector(width, [&](int64_t j, auto n) {
        const vfloat value = load(y + at + j, n);
        const vfloat d = select(value > 0.f, load(dy + at + j, n), select(value != value, value, splat(0.f)));
        store(d_sum + at + j, d, n);
        store(sums + j, load(sums + j, n) + d, n);
      });
    }
  });
}

inline void register_linear(const Exports& exports) { export_function<relu_bias_gradient>(exports, "reluBiasGradient"); }
