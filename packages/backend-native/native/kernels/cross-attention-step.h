// x + attention(norm(x), memory) Wo with keys and values of the memory made before: packages/backend/src/ops/cross-attention-step.ts.
// A chunk of whole sequences at a time: the beams of a user read that user's history together.

struct CrossAttentionStep {
  const float *x, *norm;         // [Q, d], [d]
  const float *wq, *wo;          // [d, H E], [H E, d]
  const float *key, *value;      // [S, H E]
  int64_t d;
  float epsilon;
  AttentionShape s;
};

template <class P>
void cross_attention_step_as(const CrossAttentionStep& c, float* y) {
  const AttentionShape& s = c.s;
  const int64_t d = c.d, all = s.heads * s.width, room_size = attention_room<P>(s);
  std::vector<PackedWeight<P>> weights{{{{c.wq, all, false}}, all, d}, {{{c.wo, d, false}}, d, all}};
  pack_weights(weights, kKernel);
  const std::vector<int64_t> borders = chunks_of_sequences(
      s.batch, kStepRows, [&](int64_t begin, int64_t end) { return s.query_offsets[end] - s.query_offsets[begin]; });
  const int64_t most = std::max<int64_t>(kStepRows, longest(s.query_offsets, s.batch));
  parallel_for(borders.size() - 1, 1, [&](int64_t chunk, int64_t) {
    struct Arrays {
      float *normed, *query, *room;
      PackedRows<P> normed_rows, seen_rows;
    };
    const Arrays a = in_scratch(kKernel + 1, [&](Workspace& w) {
      return Arrays{w.take<float>(most * d),        w.take<float>(most * all), w.take<float>(room_size),
                    PackedRows<P>(w, most, d), PackedRows<P>(w, most, all)};
    });
    const typename P::Registers registers;
    const int64_t first = s.query_offsets[borders[chunk]], count = s.query_offsets[borders[chunk + 1]] - first;
    for (int64_t i = 0; i < count; i++) rms_norm_row(c.x + (first + i) * d, c.norm, d, c.epsilon, a.normed + i * d);
    weights[0].multiply(a.normed_rows.pack({a.normed, d, false}, count, d), count, a.query, all);
    for (int64_t b = borders[chunk]; b < borders[chunk + 1]; b++) {
      const int64_t row = s.query_offsets[b] - first, k0 = s.key_offsets[b];
      for (int64_t h = 0; h < s.heads; h++) {
        // A head's result takes the place of its queries.
        float* query = a.query + row * all + h * s.width;
        const int64_t at = k0 * all + h * s.width;
        attend<P>(s, {query, c.key + at, c.value + at, all, all, h, b, b + 1}, query, all, false, nullptr, a.room);
      }
    }
    Epilogue residual;
    residual.residual = c.x + first * d;
    weights[1].multiply(a.seen_rows.pack({a.query, all, false}, count, all), count, y + first * d, d, residual);
  });
}

static void cross_attention_step(int precision, const float* x, const float* norm, const float* wq, const float* wo, const float* key,
                                 const float* value, int64_t d, float epsilon, ATTENTION_SHAPE, float* y) {
  const CrossAttentionStep step{x, norm, wq, wo, key, value, d, epsilon, ATTENTION_SHAPE_VALUE};
  with_precision(precision, [&](auto policy) { cross_attention_step_as<decltype(policy)>(step, y); });
}

inline void register_cross_attention_step(const Exports& exports) {
  export_function<cross_attention_step>(exports, "crossAttentionStep");
}
