// BPR-max of rows of scores, row r's target being column r, and its gradient by the scores: packages/backend/src/ops/bpr-max.ts.

// Stands for the target among the negatives: its weight e^(score - top) is 0.
constexpr float kNoNegative = -1e18f;

// The loss of a row; arrays of `count` numbers each: o the scores after the ELU, e their powers, s sigmoid(o_target - o).
inline float bpr_max_row(const float* scores, int64_t target, int64_t count, float alpha, float bpreg, float scale, float* o, float* e,
                         float* s, float* gradient) {
  const vfloat zero{};
  for_each_vector(count, [&](int64_t j, auto n) {
    const vfloat x = load(scores + j, n);
    store(o + j, alpha == 0 ? x : select(x > 0.f, x, alpha * (exponential(x) - 1.f)), n);
  });
  const float own = o[target];
  o[target] = kNoNegative;
  const float top = greatest(o, count);
  vfloat powers{}, wins{}, squares{};
  for_each_vector(count, [&](int64_t j, auto n) {
    const vfloat of = load(o + j, n), win = logistic(own - of);
    vfloat power = exponential(of - top);
    if (n < W) power = select(lanes() < static_cast<int32_t>(n), power, zero);
    store(e + j, power, n);
    store(s + j, win, n);
    powers += power;
    wins += power * win;
    squares += select(power > 0.f, power * of * of, zero);
  });
  const float mass = sum(powers), P = sum(wins) / mass + 1e-24f, R = sum(squares) / mass;
  vfloat won{};
  for_each_vector(count, [&](int64_t j, auto n) {
    const vfloat of = load(o + j, n), win = load(s + j, n), w = load(e + j, n) * (1.f / mass);
    const vfloat share = w * win * win * (1.f / P);
    won += share;
    const vfloat slope = alpha == 0 ? splat(1.f) : select(load(scores + j, n) > 0.f, splat(1.f), of + alpha);
    const vfloat d = w * (1.f - bpreg * R) - share + bpreg * w * of * (of + 2.f);
    store(gradient + j, select(w > 0.f, d * slope * scale, zero), n);
  });
  const float slope = alpha == 0 || scores[target] > 0 ? 1.f : own + alpha;
  gradient[target] = (sum(won) - 1.f) * slope * scale;
  return bpreg * R - std::log(P);
}

static void bpr_max(const float* scores, int64_t rows, int64_t count, float alpha, float bpreg, float* loss, float* gradient) {
  float* losses = scratch_of<float>(kKernel, rows);
  parallel_for(rows, grain_of(4 * count), [&](int64_t begin, int64_t end) {
    float* o = scratch_of<float>(kKernel + 1, 3 * count);
    for (int64_t row = begin; row < end; row++)
      losses[row] = bpr_max_row(scores + row * count, row, count, alpha, bpreg, 1.f / rows, o, o + count, o + 2 * count,
                                gradient + row * count);
  });
  double total = 0;
  for (int64_t row = 0; row < rows; row++) total += losses[row];
  *loss = static_cast<float>(total / static_cast<double>(rows));
}

inline void register_bpr_max(const Exports& exports) { export_function<bpr_max>(exports, "bprMax"); }
