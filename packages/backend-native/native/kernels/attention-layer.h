// x + dropout(attention(norm(x), memory) Wo), with memory = norm(x) in self-attention: packages/backend/src/ops/attention-layer.ts.
// A chunk of sequences and one head at a time: queries, keys and values of a head are as wide as half of x.

struct AttentionLayer {
  const float *x, *memory;            // [Q, d], [S, d]; no memory: norm(x)
  const float *wq, *wk, *wv, *wo;     // [d, H E] three times, [H E, d]
  int64_t d;
  LayerEnds ends;
  AttentionShape s;

  std::vector<int64_t> chunks() const {
    return chunks_of_sequences(s.batch, kLayerRows, [&](int64_t begin, int64_t end) {
      return std::max(s.query_offsets[end] - s.query_offsets[begin], s.key_offsets[end] - s.key_offsets[begin]);
    });
  }
};

inline int64_t most_rows(const int32_t* offsets, const std::vector<int64_t>& borders) {
  int64_t most = 0;
  for (size_t i = 1; i < borders.size(); i++) most = std::max<int64_t>(most, offsets[borders[i]] - offsets[borders[i - 1]]);
  return most;
}

// Calls f(head of group, its first float in q, in k) for one head of the sequences begin .. end - 1, whose rows hold this head alone.
template <class P, class F>
void for_each_group(const AttentionShape& s, int64_t begin, int64_t end, int64_t head, const float* q, const float* k, const float* v,
                    F&& f) {
  for (int64_t b = begin, next; b < end; b = next) {
    next = Group<P>::end(s, b, end);
    const int64_t at_q = (s.query_offsets[b] - s.query_offsets[begin]) * s.width;
    const int64_t at_k = (s.key_offsets[b] - s.key_offsets[begin]) * s.width;
    f(HeadOfGroup{q + at_q, k + at_k, v + at_k, s.width, s.width, head, b, next}, at_q, at_k);
  }
}

template <class P>
void attention_layer_as(const AttentionLayer& layer, float* y, float* log_sums) {
  const AttentionShape& s = layer.s;
  const int64_t d = layer.d, e = s.width, room_size = std::max(attention_room<P>(s), d + 16);
  const std::vector<int64_t> borders = layer.chunks();
  // Sequences follow each other, so a product may write whole tiles over the rows of the next one.
  const bool whole = e == Small<P>::columns(e);
  const int64_t most_q = most_rows(s.query_offsets, borders) + P::kRows, most_k = most_rows(s.key_offsets, borders) + P::kRows;
  std::vector<PackedWeight<P>> weights;
  for (int64_t h = 0; h < s.heads; h++) {
    for (const float* weight : {layer.wq, layer.wk, layer.wv}) weights.push_back({{{weight + h * e, s.heads * e, false}}, e, d});
    weights.push_back({{{layer.wo + h * e * d, d, false}}, d, e});
  }
  pack_weights(weights, kKernel);
  parallel_for(borders.size() - 1, 1, [&](int64_t chunk, int64_t) {
    struct Arrays {
      float *normed, *q, *k, *v, *out, *room;
      PackedRows<P> normed_rows, memory_rows, out_rows;
    };
    const Arrays a = in_scratch(kKernel + 1, [&](Workspace& w) {
      return Arrays{w.take<float>(most_q * d), w.take<float>(most_q * e), w.take<float>(most_k * e),
                    w.take<float>(most_k * e), w.take<float>(most_q * e), w.take<float>(room_size),
                    PackedRows<P>(w, most_q, d), PackedRows<P>(w, layer.memory ? most_k : 0, d), PackedRows<P>(w, most_q, e)};
    });
    const typename P::Registers registers;
    const int64_t begin = borders[chunk], end = borders[chunk + 1];
    const int64_t q0 = s.query_offsets[begin], queries = s.query_offsets[end] - q0;
    const int64_t k0 = s.key_offsets[begin], keys = s.key_offsets[end] - k0;
    layer.ends.normalise(layer.x + q0 * d, queries, d, a.normed);
    const auto* normed = a.normed_rows.pack({a.normed, d, false}, queries, d);
    const auto* memory = layer.memory ? a.memory_rows.pack({layer.memory + k0 * d, d, false}, keys, d) : normed;
    for (int64_t h = 0; h < s.heads; h++) {
      const PackedWeight<P>* w = &weights[4 * h];
      w[0].multiply(normed, queries, a.q, e);
      w[1].multiply(memory, keys, a.k, e);
      w[2].multiply(memory, keys, a.v, e);
      for_each_group<P>(s, begin, end, h, a.q, a.k, a.v, [&](const HeadOfGroup& head, int64_t at_q, int64_t) {
        attend<P>(s, head, a.out + at_q, e, whole, log_sums, a.room);
      });
      w[3].multiply(a.out_rows.pack({a.out, e, false}, queries, e), queries, y + q0 * d, d, h > 0);
    }
    layer.ends.add(layer.x + q0 * d, q0, queries, d, y + q0 * d, a.room);
  });
}

template <class P>
void attention_layer_gradient_as(const AttentionLayer& layer, const float* log_sums, const float* dy, float* dx, float* d_memory,
                                 float* d_norm, float* d_wq, float* d_wk, float* d_wv, float* d_wo, float* d_bias) {
  const AttentionShape& s = layer.s;
  const int64_t d = layer.d, e = s.width, he = s.heads * e, room_size = std::max(attention_room<P>(s), d + 16);
  const std::vector<int64_t> borders = layer.chunks();
  // Sequences follow each other, so a product may write whole tiles over the rows of the next one.
  const bool whole = e == Small<P>::columns(e);
  const int64_t most_q = most_rows(s.query_offsets, borders) + P::kRows, most_k = most_rows(s.key_offsets, borders) + P::kRows;
  std::vector<PackedWeight<P>> weights;
  for (int64_t h = 0; h < s.heads; h++) {
    for (const float* weight : {layer.wq, layer.wk, layer.wv}) weights.push_back({{{weight + h * e, he, false}}, e, d});
    weights.push_back({{{layer.wo + h * e * d, d, true}}, e, d});
    const Matrix q_t{layer.wq + h * e, he, true}, k_t{layer.wk + h * e, he, true}, v_t{layer.wv + h * e, he, true};
    if (layer.memory) {
      weights.push_back({{q_t}, d, e});
      weights.push_back({{k_t, v_t}, d, e});
    } else {
      weights.push_back({{q_t, k_t, v_t}, d, e});
    }
  }
  pack_weights(weights, kKernel);
  const int64_t bias_size = d_bias ? s.heads * s.distances : 0;
  const Total totals[] = {{d_norm, d}, {d_bias, bias_size}, {d_wq, d * he}, {d_wk, d * he}, {d_wv, d * he}, {d_wo, he * d, d}};
  sum_over_groups(borders.size() - 1, kKernel + 2, totals, [&](int64_t chunk, float** sums, bool is_first) {
    struct Arrays {
      float *normed, *dropped, *d_normed, *q, *k, *v, *out, *d_q, *d_k, *d_v, *d_out, *room;
      PackedRows<P> normed_rows, normed_t, memory_rows, memory_t, dropped_rows, dropped_t, d_q_rows, d_kv_rows;  // without memory d_q_rows hold k's and v's too
      PackedColumns<P> out_columns, d_q_columns, d_kv_columns;
    };
    const int64_t memory_rows = layer.memory ? most_k : 0;
    const Arrays a = in_scratch(kKernel + 1, [&](Workspace& w) {
      return Arrays{w.take<float>(most_q * d),
                    w.take<float>(most_q * d),
                    w.take<float>(most_q * d),
                    w.take<float>(most_q * e),
                    w.take<float>(most_k * e),
                    w.take<float>(most_k * e),
                    w.take<float>(most_q * e),
                    w.take<float>(most_q * e),
                    w.take<float>(most_k * e),
                    w.take<float>(most_k * e),
                    w.take<float>(most_q * e),
                    w.take<float>(room_size),
                    PackedRows<P>(w, most_q, d),
                    PackedRows<P>(w, d, most_q),
                    PackedRows<P>(w, memory_rows, d),
                    PackedRows<P>(w, d, memory_rows),
                    PackedRows<P>(w, most_q, d),
                    PackedRows<P>(w, d, most_q),
                    PackedRows<P>(w, most_q, e, layer.memory ? 1 : 3),
                    PackedRows<P>(w, memory_rows, e, 2),
                    PackedColumns<P>(w, e, most_q),
                    PackedColumns<P>(w, e, most_q),
                    PackedColumns<P>(w, e, most_k)};
    });
    const typename P::Registers registers;
    const int64_t begin = borders[chunk], end = borders[chunk + 1];
    const int64_t q0 = s.query_offsets[begin], queries = s.query_offsets[end] - q0;
    const int64_t k0 = s.key_offsets[begin], keys = s.key_offsets[end] - k0;
    layer.ends.normalise(layer.x + q0 * d, queries, d, a.normed);
    layer.ends.drop(dy + q0 * d, q0, queries, d, a.dropped, a.room);
    const auto* normed = a.normed_rows.pack({a.normed, d, false}, queries, d);
    const auto* normed_t = a.normed_t.pack({a.normed, d, true}, d, queries);
    const Matrix rows_of_memory{layer.memory + k0 * d, d, false}, columns_of_memory{layer.memory + k0 * d, d, true};
    const auto* memory = layer.memory ? a.memory_rows.pack(rows_of_memory, keys, d) : normed;
    const auto* memory_t = layer.memory ? a.memory_t.pack(columns_of_memory, d, keys) : normed_t;
    const auto* dropped = a.dropped_rows.pack({a.dropped, d, false}, queries, d);
    const auto* dropped_t = a.dropped_t.pack({a.dropped, d, true}, d, queries);
    if (is_first) {
      std::fill(sums[0], sums[0] + d, 0.f);
      std::fill(sums[1], sums[1] + bias_size, 0.f);
    }
    for (int64_t h = 0; h < s.heads; h++) {
      const PackedWeight<P>* w = &weights[(layer.memory ? 6 : 5) * h];
      w[0].multiply(normed, queries, a.q, e);
      w[1].multiply(memory, keys, a.k, e);
      w[2].multiply(memory, keys, a.v, e);
      w[3].multiply(dropped, queries, a.d_out, e);
      for_each_group<P>(s, begin, end, h, a.q, a.k, a.v, [&](const HeadOfGroup& head, int64_t at_q, int64_t at_k) {
        attend_gradient<P>(s, head, log_sums, a.d_out + at_q, e, a.d_q + at_q, a.d_k + at_k, a.d_v + at_k, whole,
                        d_bias ? sums[1] + h * s.distances : nullptr, a.out + at_q, a.room);
      });
      const auto* out_columns = a.out_columns.pack({a.out, e, false}, e, queries);
      multiply_packed<P>(dropped_t, d, out_columns, e, queries, sums[5] + h * e, he, !is_first);
      const auto* d_q_columns = a.d_q_columns.pack({a.d_q, e, false}, e, queries);
      multiply_packed<P>(normed_t, d, d_q_columns, e, queries, sums[2] + h * e, he, !is_first);
      a.d_q_rows.pack({a.d_q, e, false}, queries, e);
      const PackedRows<P>& d_kv_rows = layer.memory ? a.d_kv_rows : a.d_q_rows;
      for (int i = 0; i < 2; i++) {
        float* d_kv = i == 0 ? a.d_k : a.d_v;
        const auto* d_kv_columns = a.d_kv_columns.pack({d_kv, e, false}, e, keys);
        multiply_packed<P>(memory_t, d, d_kv_columns, e, keys, sums[3 + i] + h * e, he, !is_first);
        d_kv_rows.pack({d_kv, e, false}, keys, e, layer.memory ? i : i + 1);
      }
      w[4].multiply(a.d_q_rows.packed, queries, a.d_normed, d, h > 0);
      if (layer.memory) w[5].multiply(a.d_kv_rows.packed, keys, d_memory + k0 * d, d, h > 0);
    }
    layer.ends.normalise_gradient(layer.x + q0 * d, a.d_normed, dy + q0 * d, queries, d, dx + q0 * d, sums[0]);
  });
}

#define ATTENTION_LAYER                                                                                                       \
  const float *x, const float *memory, const float *norm, const float *wq, const float *wk, const float *wv, const float *wo, \
      int64_t d, float epsilon, uint32_t last_threshold, float last_keep, uint32_t last_key0, uint32_t last_key1
#define ATTENTION_LAYER_VALUE                                                                                     \
  {                                                                                                               \
    x, memory, wq, wk, wv, wo, d, {norm, epsilon, {last_threshold, last_keep, last_key0, last_key1}}, ATTENTION_SHAPE_VALUE \
  }

static void attention_layer(int precision, ATTENTION_LAYER, ATTENTION_SHAPE, float* y, float* log_sums) {
  with_precision(precision, [&](auto policy) { attention_layer_as<decltype(policy)>(ATTENTION_LAYER_VALUE, y, log_sums); });
}

static void attention_layer_gradient(int precision, ATTENTION_LAYER, ATTENTION_SHAPE, const float* log_sums, const float* dy, float* dx,
                                     float* d_memory, float* d_norm, float* d_wq, float* d_wk, float* d_wv, float* d_wo, float* d_bias) {
  with_precision(precision, [&](auto policy) {
    attention_layer_gradient_as<decltype(policy)>(ATTENTION_LAYER_VALUE, log_sums, dy, dx, d_memory, d_norm, d_wq, d_wk, d_wv, d_wo, d_bias);
  });
}

inline void register_attention_layer(const Exports& exports) {
  export_function<attention_layer>(exports, "attentionLayer");
  export_function<attention_layer_gradient>(exports, "attentionLayerGradient");
}
