// x + attention(norm(x)) Wo at one new position of many beams: packages/backend/src/ops/self-attention-step.ts. A chunk of rows at a
// time; the keys and values of earlier positions are read where they lie, through the numbers of each row's ancestors.

// Rows of a chunk: queries, keys and values of all heads fit the second-level cache beside the weights, and the beams of whole users,
// 20 or 50 each, fill almost all of it.
constexpr int64_t kStepRows = 160;

struct SelfAttentionStep {
  const float *x, *norm;               // [rows, d], [d]
  const float *wq, *wk, *wv, *wo;      // [d, H E] three times, [H E, d]
  const float* bias;                   // [H, past + 1]; or none
  const double* past_arrays;           // addresses: all keys [R_p, H E] by position, then all values
  const int32_t* ancestors;            // [rows, past] the row at each earlier position
  int64_t rows, d, heads, width, past;
  float epsilon;
};

// out = softmax(q k^T + bias) v for one row and head; keys[p] and values[p] point at the head's floats. `scores` holds count + W.
inline void attend_one(const float* q, const float* const* keys, const float* const* values, int64_t count, int64_t offset, int64_t width,
                       const float* bias, float* scores, float* out) {
  for (int64_t p = 0; p < count; p++) {
    vfloat products{};
    for_each_vector(width, [&](int64_t j, auto n) { products += load(q + j, n) * load(keys[p] + offset + j, n); });
    scores[p] = sum(products) + (bias ? bias[p] : 0.f);
  }
  float top = -INFINITY;
  for (int64_t p = 0; p < count; p++) top = std::max(top, scores[p]);
  vfloat total{};
  for_each_vector(count, [&](int64_t p, auto n) {
    vfloat power = exponential(load(scores + p, n) - top);
    if (n < W) power = select(lanes() < static_cast<int32_t>(n), power, splat(0.f));
    store(scores + p, power);
    total += power;
  });
  const float scale = 1.f / sum(total);
  for_each_vector(width, [&](int64_t j, auto n) {
    vfloat seen{};
    for (int64_t p = 0; p < count; p++) seen += scores[p] * load(values[p] + offset + j, n);
    store(out + j, seen * scale, n);
  });
}

template <class P>
void self_attention_step_as(const SelfAttentionStep& s, float* y, float* key, float* value) {
  const int64_t d = s.d, all = s.heads * s.width, positions = s.past + 1;
  std::vector<PackedWeight<P>> weights{
      {{{s.wq, all, false}}, all, d}, {{{s.wk, all, false}}, all, d}, {{{s.wv, all, false}}, all, d}, {{{s.wo, d, false}}, d, all}};
  pack_weights(weights, kKernel);
  parallel_for(s.rows, kStepRows, [&](int64_t begin, int64_t end) {
    struct Arrays {
      float *normed, *query, *scores;
      const float **keys, **values;
      PackedRows<P> normed_rows, seen_rows;
    };
    const Arrays a = in_scratch(kKernel + 1, [&](Workspace& w) {
      return Arrays{w.take<float>(kStepRows * d),        w.take<float>(kStepRows * all),    w.take<float>(positions + W),
                    w.take<const float*>(positions),     w.take<const float*>(positions),   PackedRows<P>(w, kStepRows, d),
                    PackedRows<P>(w, kStepRows, all)};
    });
    const typename P::Registers registers;
    const int64_t count = end - begin;
    for (int64_t i = 0; i < count; i++) rms_norm_row(s.x + (begin + i) * d, s.norm, d, s.epsilon, a.normed + i * d);
    const auto* normed = a.normed_rows.pack({a.normed, d, false}, count, d);
    weights[0].multiply(normed, count, a.query, all);
    weights[1].multiply(normed, count, key + begin * all, all);
    weights[2].multiply(normed, count, value + begin * all, all);
    for (int64_t row = begin; row < end; row++) {
      for (int64_t p = 0; p < s.past; p++) {
        const int64_t at = s.ancestors[row * s.past + p] * all;
        a.keys[p] = reinterpret_cast<const float*>(static_cast<uintptr_t>(s.past_arrays[p])) + at;
        a.values[p] = reinterpret_cast<const float*>(static_cast<uintptr_t>(s.past_arrays[s.past + p])) + at;
      }
      a.keys[s.past] = key + row * all;
      a.values[s.past] = value + row * all;
      // A head's result takes the place of its query.
      float* query = a.query + (row - begin) * all;
      for (int64_t h = 0; h < s.heads; h++)
        attend_one(query + h * s.width, a.keys, a.values, positions, h * s.width, s.width, s.bias ? s.bias + h * positions : nullptr,
                   a.scores, query + h * s.width);
    }
    Epilogue residual;
    residual.residual = s.x + begin * d;
    weights[3].multiply(a.seen_rows.pack({a.query, all, false}, count, all), count, y + begin * d, d, residual);
  });
}

static void self_attention_step(int precision, const float* x, const float* norm, const float* wq, const float* wk, const float* wv,
                                const float* wo, const float* bias, const double* past_arrays, const int32_t* ancestors, int64_t rows,
                                int64_t d, int64_t heads, int64_t width, int64_t past, float epsilon, float* y, float* key, float* value) {
  const SelfAttentionStep step{x, norm, wq, wk, wv, wo, bias, past_arrays, ancestors, rows, d, heads, width, past, epsilon};
  with_precision(precision, [&](auto policy) { self_attention_step_as<decltype(policy)>(step, y, key, value); });
}

inline void register_self_attention_step(const Exports& exports) {
  export_function<self_attention_step>(exports, "selfAttentionStep");
}
