// One step of Adagrad for one tensor in one pass: packages/backend/src/ops/adagrad-update.ts.

/// gradient_scale: one number that all gradients are multiplied with, or none. velocity and new_velocity: none where momentum is 0.
static void adagrad(int64_t size, float rate, float epsilon, float momentum, const float* gradient_scale, const float* param, const float* gradient,
                    const float* squares, const float* velocity, float* new_param, float* new_squares, float* new_velocity) {
  const float scale = gradient_scale ? *gradient_scale : 1.f;
  parallel_for(size, grain_of(1), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += W) {
      const int64_t n = std::min<int64_t>(W, end - i);
      const vfloat g = load(gradient + i, n) * scale;
      const vfloat sum = load(squares + i, n) + g * g;
      store(new_squares + i, sum, n);
      vfloat change = g / (square_root(sum) + epsilon) * rate;
      if (velocity) {
        change = change - load(velocity + i, n) * momentum;
        store(new_velocity + i, -change, n);
      }
      store(new_param + i, load(param + i, n) - change, n);
    }
  });
}

inline void register_adagrad(const Exports& exports) { export_function<adagrad>(exports, "adagrad"); }
