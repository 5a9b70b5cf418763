// y = x / rms(x) * weight by rows: packages/backend/src/ops/rms-norm.ts. The second look at a row finds it in the cache.

static void rms_norm(int64_t rows, int64_t width, float epsilon, const float* x, const float* weight, float* out) {
  parallel_for(rows, grain_of(width), [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float* x_row = x + row * width;
      float* out_row = out + row * width;
      vfloat squares{};
      for (int64_t j = 0; j < width; j += W) {
        const vfloat v = load(x_row + j, std::min<int64_t>(W, width - j));
        squares += v * v;
      }
      const float scale = 1.f / std::sqrt(sum(squares) / width + epsilon);
      for (int64_t j = 0; j < width; j += W) {
        const int64_t n = std::min<int64_t>(W, width - j);
        store(out_row + j, load(x_row + j, n) * scale * load(weight + j, n), n);
      }
    }
  });
}

// With r = 1 / rms(x) and g = dy weight: dx = r g - x r^3 mean(g x), and dweight is the sum of dy x r over the rows.
static void rms_norm_gradient(int64_t rows, int64_t width, float epsilon, const float* x, const float* weight, const float* dy,
                              float* dx, float* d_weight) {
  sum_over_chunks(rows, grain_of(width), width, d_weight, [=](int64_t begin, int64_t end, float* sums) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t at = row * width;
      vfloat squares{}, products{};
      for (int64_t j = 0; j < width; j += W) {
        const int64_t n = std::min<int64_t>(W, width - j);
        const vfloat v = load(x + at + j, n);
        squares += v * v;
        products += load(dy + at + j, n) * load(weight + j, n) * v;
      }
      const float scale = 1.f / std::sqrt(sum(squares) / width + epsilon);
      const float pull = scale * scale * scale * (sum(products) / width);
      for (int64_t j = 0; j < width; j += W) {
        const int64_t n = std::min<int64_t>(W, width - j);
        const vfloat v = load(x + at + j, n), d = load(dy + at + j, n);
        store(dx + at + j, d * load(weight + j, n) * scale - v * pull, n);
        store(sums + j, load(sums + j, n) + d * v * scale, n);
      }
    }
  });
}

inline void register_rms_norm(const Exports& exports) {
  export_function<rms_norm>(exports, "rmsNorm");
  export_function<rms_norm_gradient>(exports, "rmsNormGradient");
}
