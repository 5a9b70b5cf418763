// One step of AdamW for one tensor in one pass: packages/backend/src/ops/adamw-update.ts.

/// gradient_scale: one number that all gradients are multiplied with, or none.
static void adamw(int64_t size, float rate, float offset, float kept, float fresh1, float fresh2, const float* gradient_scale, const float* param,
                  const float* gradient, const float* first, const float* second, float* new_param, float* new_first,
                  float* new_second) {
  const float scale = gradient_scale ? *gradient_scale : 1.f;
  parallel_for(size, grain_of(1), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += W) {
      const int64_t n = std::min<int64_t>(W, end - i);
      const vfloat g = load(gradient + i, n) * scale;
      vfloat m = load(first + i, n), v = load(second + i, n);
      m = m + (g - m) * fresh1;
      v = v + (g * g - v) * fresh2;
      store(new_first + i, m, n);
      store(new_second + i, v, n);
      store(new_param + i, load(param + i, n) * kept - m / (square_root(v) + offset) * rate, n);
    }
  });
}

inline void register_adamw(const Exports& exports) { export_function<adamw>(exports, "adamw"); }
