// Multi-head attention over packed sequences, forward and backward, one sequence and head at a time: the scores of a pair never
// leave the cache. Rows of q, k and v hold all heads side by side. Vaswani et al. 2017, sec. 3.2.1, unscaled as in T5;
// the backward pass computes the probabilities anew from the saved log-sum-exp (Dao et al. 2022, algorithm 4).

inline int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// C [m, n] = A B, with B row-major and A addressed by two strides, all small enough for the caches.
template <int R, int V>
inline void small_tile(const float* a, int64_t a_row, int64_t a_k, const float* b, int64_t b_k, int64_t k, float* c,
                       int64_t c_row, int64_t columns) {
  vfloat sums[R][V] = {};
  const int64_t tail = columns - (V - 1) * W;  // lanes of the last vector
  for (int64_t i = 0; i < k; i++) {
    vfloat right[V];
    for (int v = 0; v < V - 1; v++) right[v] = load(b + i * b_k + v * W);
    right[V - 1] = tail == W ? load(b + i * b_k + (V - 1) * W) : load(b + i * b_k + (V - 1) * W, tail);
    for (int r = 0; r < R; r++)
      for (int v = 0; v < V; v++) sums[r][v] += a[r * a_row + i * a_k] * right[v];
  }
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) store(c + r * c_row + v * W, sums[r][v], v < V - 1 ? W : tail);
}

template <int V>
inline void small_strip(const float* a, int64_t a_row, int64_t a_k, const float* b, int64_t b_k, int64_t m, int64_t k, float* c,
                        int64_t c_row, int64_t columns) {
  constexpr int R = W == 16 ? 6 : 3;
  int64_t i = 0;
  for (; i + R <= m; i += R) small_tile<R, V>(a + i * a_row, a_row, a_k, b, b_k, k, c + i * c_row, c_row, columns);
  for (; i < m; i++) small_tile<1, V>(a + i * a_row, a_row, a_k, b, b_k, k, c + i * c_row, c_row, columns);
}

inline void small_product(const float* a, int64_t a_row, int64_t a_k, const float* b, int64_t b_k, int64_t m, int64_t n, int64_t k,
                          float* c, int64_t c_row) {
  for (int64_t j = 0; j < n;) {
    const int64_t vectors = (n - j + W - 1) / W;
    const int64_t columns = std::min<int64_t>(n - j, 4 * W);
    if (vectors >= 4)
      small_strip<4>(a, a_row, a_k, b + j, b_k, m, k, c + j, c_row, columns);
    else if (vectors == 3)
      small_strip<3>(a, a_row, a_k, b + j, b_k, m, k, c + j, c_row, columns);
    else if (vectors == 2)
      small_strip<2>(a, a_row, a_k, b + j, b_k, m, k, c + j, c_row, columns);
    else
      small_strip<1>(a, a_row, a_k, b + j, b_k, m, k, c + j, c_row, columns);
    j += columns;
  }
}

// to [columns, to_stride] = from [rows, columns] transposed.
inline void transpose_small(const float* from, int64_t stride, int64_t rows, int64_t columns, float* to, int64_t to_stride) {
  for (int64_t r = 0; r < rows; r += 8)
    for (int64_t j = 0; j < columns; j++)
      for (int64_t i = r; i < std::min(rows, r + 8); i++) to[j * to_stride + i] = from[i * stride + j];
}

// C [m, n] = op(A) [m, k] op(B) [k, n] of one head of one sequence, in precision P. `whole`: C has room for rows(m) of columns(n), and
// what lies beyond m and n may be lost.
template <class P>
struct Small {
  static int64_t rows(int64_t m) { return round_up(m, P::kRows); }
  static int64_t columns(int64_t n) { return round_up(n, P::kColumns); }
  static int64_t room(int64_t most, int64_t width) {
    const int64_t side = std::max(most, width) + 2 * P::kColumns;
    return 2 * side * side;
  }
  static void multiply(const Matrix& a, const Matrix& b, int64_t m, int64_t n, int64_t k, float* c, int64_t ldc, bool whole, float* room) {
    auto* left = reinterpret_cast<typename P::Packed*>(room);
    auto* right = left + round_up(m, P::kRows) * P::padded(k);
    pack_row_panels<P>(a, 0, m, 0, k, left);
    for (int64_t j = 0; j < n; j += P::kColumns) P::pack_columns(b, j, std::min(P::kColumns + 0, n - j), 0, k, right + j * P::padded(k));
    if (!whole) return multiply_panels<P>(left, m, right, 0, columns(n) / P::kColumns, n, k, c, ldc);
    for (int64_t r = 0; r < m; r += P::kRows)
      for (int64_t j = 0; j < n; j += P::kColumns)
        P::multiply(left + r * P::padded(k), right + j * P::padded(k), P::padded(k), c + r * ldc + j, ldc, false);
  }
};

// So small are they that packing would cost more than it saves.
template <>
struct Small<Float32> {
  static int64_t rows(int64_t m) { return m; }
  static int64_t columns(int64_t n) { return round_up(n, W); }
  static int64_t room(int64_t most, int64_t width) { return std::max(most, width) * round_up(std::max(most, width), W); }
  static void multiply(const Matrix& a, const Matrix& b, int64_t m, int64_t n, int64_t k, float* c, int64_t ldc, bool, float* room) {
    const int64_t a_row = a.transposed ? 1 : a.stride, a_k = a.transposed ? a.stride : 1;
    if (!b.transposed) return small_product(a.data, a_row, a_k, b.data, b.stride, m, n, k, c, ldc);
    transpose_small(b.data, b.stride, n, k, room, round_up(n, W));
    small_product(a.data, a_row, a_k, room, round_up(n, W), m, n, k, c, ldc);
  }
};
#if defined(__AMX_BF16__)
// Three products and packing twice: no faster either, and less exact.
template <>
struct Small<BFloat16x3> : Small<Float32> {};
#endif

struct AttentionShape {
  const int32_t* query_offsets;  // [B + 1] rows of each sequence
  const int32_t* key_offsets;    // [B + 1]
  int64_t batch, heads, width;   // B, H, E
  const float* bias;             // [H, distances] by key position - query position + zero; or none
  int64_t distances, zero;
  bool causal;
  // Dropout of the probabilities: query i and key k of head h use half-word k % 8 of block b 2^32 + (h Q' + i) ceil(S' / 8) + k / 8,
  // for sequence b of Q' queries and S' keys.
  uint32_t threshold;
  float keep;
  uint32_t key0, key1;
};

// The sequences of one chunk. Chunks do not depend on the number of threads, and each owns its part of the bias gradient.
constexpr int64_t kSequencesPerChunk = 8;

inline int64_t longest(const int32_t* offsets, int64_t batch) {
  int64_t most = 0;
  for (int64_t b = 0; b < batch; b++) most = std::max<int64_t>(most, offsets[b + 1] - offsets[b]);
  return most;
}

// Adds the bias to a row of scores and hides what a causal query must not see. The first key not to be seen is returned.
inline int64_t add_bias(const AttentionShape& s, int64_t head, int64_t query, int64_t keys, float* scores) {
  const int64_t seen = s.causal ? std::min(keys, std::max<int64_t>(0, query + 1)) : keys;
  if (s.bias) {
    const float* bias = s.bias + head * s.distances + s.zero - query;
    for (int64_t k = 0; k < seen; k += W) {
      const int64_t n = std::min<int64_t>(W, seen - k);
      store(scores + k, load(scores + k, n) + load(bias + k, n), n);
    }
  }
  return seen;
}

// One head of one sequence: its rows of q and of k and v, `q_stride` and `kv_stride` floats apart.
struct HeadOfSequence {
  const float *q, *k, *v;
  int64_t q_stride, kv_stride;
  int64_t queries, keys;
  int64_t sequence, head;
  int64_t first;  // the number of the first query's row among all

  int64_t factors_per_row() const { return round_up(keys, 8); }
};

// Factors 0 or keep of all probabilities, each row's from a block of its own on.
inline void attention_dropout(const AttentionShape& s, const HeadOfSequence& a, float* factors) {
  const int64_t per_row = a.factors_per_row();
  const uint64_t block = ((uint64_t)a.sequence << 32) + a.head * a.queries * (per_row / 8);
  dropout_factors(s.key0, s.key1, block, a.queries * per_row, s.threshold, s.keep, factors);
}

// What one head of the longest sequence needs, in floats.
template <class P>
int64_t attention_room(const AttentionShape& s) {
  const int64_t keys = longest(s.key_offsets, s.batch), queries = longest(s.query_offsets, s.batch);
  return 3 * Small<P>::rows(queries) * Small<P>::columns(keys) + queries * round_up(keys, 8) + W +
         Small<P>::room(std::max(keys, queries), s.width);
}

// out [queries, E] and the log-sum-exp of each query's scores, all heads' side by side in log_sums [Q, H]. The thread holds
// P::Registers, here and below. `whole`: what follows the last row of out may be lost.
template <class P>
void attend(const AttentionShape& s, const HeadOfSequence& a, float* out, int64_t out_stride, bool whole, float* log_sums, float* room) {
  const int64_t stride = Small<P>::columns(a.keys), matrix = Small<P>::rows(a.queries) * stride;  // of the scores
  float *scores = room, *all_factors = scores + matrix;
  room = all_factors + a.queries * a.factors_per_row() + W;  // a vector may be read past the end
  if (s.threshold) attention_dropout(s, a, all_factors);
  const Matrix q{a.q, a.q_stride, false}, k_t{a.k, a.kv_stride, true}, v{a.v, a.kv_stride, false};
  Small<P>::multiply(q, k_t, a.queries, a.keys, s.width, scores, stride, true, room);
  for (int64_t i = 0; i < a.queries; i++) {
    float *row = scores + i * stride, *factors = all_factors + i * a.factors_per_row();
    const int64_t seen = add_bias(s, a.head, i, a.keys, row);
    vfloat most = splat(-INFINITY);
    for (int64_t j = 0; j < seen; j += W) {
      const int64_t n = std::min<int64_t>(W, seen - j);
      most = maximum(most, select(lanes() < (int32_t)n, load(row + j, n), splat(-INFINITY)));
    }
    const float top = max_lane(most);
    vfloat total{};
    for (int64_t j = 0; j < seen; j += W) {
      const int64_t n = std::min<int64_t>(W, seen - j);
      const vfloat e = select(lanes() < (int32_t)n, exponential(load(row + j, n) - top), splat(0.f));
      store(row + j, e);
      total += e;
    }
    const float mass = sum(total), scale = seen > 0 ? 1.f / mass : 0.f;
    log_sums[(a.first + i) * s.heads + a.head] = seen > 0 ? top + std::log(mass) : 0.f;
    for (int64_t j = 0; j < a.keys; j += W) {
      if (j >= seen) {
        store(row + j, splat(0.f));
        continue;
      }
      vfloat p = load(row + j) * scale;
      if (s.threshold) p = p * load(factors + j, std::min<int64_t>(W, seen - j));
      store(row + j, p);
    }
  }
  Small<P>::multiply({scores, stride, false}, v, a.queries, s.width, a.keys, out, out_stride, whole, room);
}

// The gradients of q, k and v (with their strides), and of the head's row of the bias, which grows, from that of the output. With
// `out`, which has d_out's stride, the output is made again too. `whole`: what follows the last rows of all these may be lost.
template <class P>
void attend_gradient(const AttentionShape& s, const HeadOfSequence& a, const float* log_sums, const float* d_out,
                     int64_t d_out_stride, float* d_q, float* d_k, float* d_v, bool whole, float* d_bias, float* out, float* room) {
  const int64_t stride = Small<P>::columns(a.keys), matrix = Small<P>::rows(a.queries) * stride;
  float *p = room, *dropped = p + matrix, *d_p = dropped + matrix, *all_factors = d_p + matrix;
  room = all_factors + a.queries * a.factors_per_row() + W;  // a vector may be read past the end
  if (s.threshold) attention_dropout(s, a, all_factors);
  const Matrix q{a.q, a.q_stride, false}, k{a.k, a.kv_stride, false}, v{a.v, a.kv_stride, false}, dy{d_out, d_out_stride, false};
  const Matrix k_t{a.k, a.kv_stride, true}, v_t{a.v, a.kv_stride, true};
  Small<P>::multiply(q, k_t, a.queries, a.keys, s.width, p, stride, true, room);
  Small<P>::multiply(dy, v_t, a.queries, a.keys, s.width, d_p, stride, true, room);
  for (int64_t i = 0; i < a.queries; i++) {
    float *row = p + i * stride, *d_row = d_p + i * stride, *dropped_row = dropped + i * stride;
    const float* factors = all_factors + i * a.factors_per_row();
    const int64_t seen = add_bias(s, a.head, i, a.keys, row);
    const float log_sum = log_sums[(a.first + i) * s.heads + a.head];
    vfloat inner{};
    for (int64_t j = 0; j < seen; j += W) {
      const int64_t n = std::min<int64_t>(W, seen - j);
      const vfloat probability = exponential(load(row + j, n) - log_sum);
      vfloat d = load(d_row + j, n), after = probability;
      if (s.threshold) {
        const vfloat factor = load(factors + j, n);
        after = probability * factor;
        d = d * factor;
      }
      store(row + j, probability, n);
      store(dropped_row + j, after, n);
      store(d_row + j, d, n);
      inner += load(row + j, n) * d;
    }
    const float mean = sum(inner);
    for (int64_t j = 0; j < a.keys; j += W) {
      const int64_t n = std::min<int64_t>(W, a.keys - j), m = std::max<int64_t>(0, std::min<int64_t>(n, seen - j));
      const vfloat d = load(row + j, m) * (load(d_row + j, m) - mean);
      store(d_row + j, d, n);  // 0 for keys that are not seen
      store(dropped_row + j, load(dropped_row + j, m), n);
    }
    if (d_bias) {
      float* sums = d_bias + s.zero - i;
      for (int64_t j = 0; j < seen; j += W) {
        const int64_t n = std::min<int64_t>(W, seen - j);
        store(sums + j, load(sums + j, n) + load(d_row + j, n), n);
      }
    }
  }
  if (out) Small<P>::multiply({dropped, stride, false}, v, a.queries, s.width, a.keys, out, d_out_stride, whole, room);
  Small<P>::multiply({dropped, stride, true}, dy, a.keys, s.width, a.queries, d_v, a.kv_stride, whole, room);
  Small<P>::multiply({d_p, stride, false}, k, a.queries, s.width, a.keys, d_q, a.q_stride, whole, room);
  Small<P>::multiply({d_p, stride, true}, q, a.keys, s.width, a.queries, d_k, a.kv_stride, whole, room);
}

// Calls f(head, q's first float, k's first float) for every head of the sequences begin .. end - 1; rows hold all heads side by side.
template <class F>
void for_each_head(const AttentionShape& s, int64_t begin, int64_t end, const float* q, const float* k, const float* v, F&& f) {
  const int64_t stride = s.heads * s.width;
  for (int64_t b = begin; b < std::min(end, s.batch); b++) {
    const int64_t q0 = s.query_offsets[b], k0 = s.key_offsets[b];
    for (int64_t h = 0; h < s.heads; h++) {
      const int64_t at_q = q0 * stride + h * s.width, at_k = k0 * stride + h * s.width;
      f(HeadOfSequence{q + at_q, k + at_k, v + at_k, stride, stride, s.query_offsets[b + 1] - q0, s.key_offsets[b + 1] - k0, b, h, q0}, at_q,
        at_k);
    }
  }
}

template <class P>
void attention_forward(const AttentionShape& s, const float* q, const float* k, const float* v, float* out,
                              float* log_sums) {
  const int64_t stride = s.heads * s.width, room_size = attention_room<P>(s);
  parallel_for(s.batch, kSequencesPerChunk, [&](int64_t begin, int64_t end) {
    float* room = scratch_of<float>(kKernel, room_size);
    const typename P::Registers registers;
    for_each_head(s, begin, end, q, k, v, [&](const HeadOfSequence& head, int64_t at_q, int64_t) {
      attend<P>(s, head, out + at_q, stride, false, log_sums, room);
    });
  });
}

template <class P>
void attention_backward(const AttentionShape& s, const float* q, const float* k, const float* v, const float* log_sums,
                               const float* d_out, float* d_q, float* d_k, float* d_v, float* d_bias) {
  const int64_t stride = s.heads * s.width, bias_size = d_bias ? s.heads * s.distances : 0, room_size = attention_room<P>(s);
  sum_over_chunks(s.batch, kSequencesPerChunk, bias_size, d_bias, [&](int64_t begin, int64_t end, float* sums) {
    float* room = scratch_of<float>(kKernel + 1, room_size);
    const typename P::Registers registers;
    for_each_head(s, begin, end, q, k, v, [&](const HeadOfSequence& head, int64_t at_q, int64_t at_k) {
      attend_gradient<P>(s, head, log_sums, d_out + at_q, stride, d_q + at_q, d_k + at_k, d_v + at_k, false,
                      d_bias ? sums + head.head * s.distances : nullptr, nullptr, room);
    });
  });
}

#define ATTENTION_SHAPE                                                                                                        \
  const int32_t *query_offsets, const int32_t *key_offsets, int64_t batch, int64_t heads, int64_t width, const float *bias,    \
      int64_t distances, int64_t zero, bool causal, uint32_t threshold, float keep, uint32_t key0, uint32_t key1
#define ATTENTION_SHAPE_VALUE                                                                                                  \
  { query_offsets, key_offsets, batch, heads, width, bias, distances, zero, causal, threshold, keep, key0, key1 }

static void attention(int precision, ATTENTION_SHAPE, const float* q, const float* k, const float* v, float* out, float* log_sums) {
  with_precision(precision, [&](auto policy) { attention_forward<decltype(policy)>(ATTENTION_SHAPE_VALUE, q, k, v, out, log_sums); });
}
static void attention_gradient(int precision, ATTENTION_SHAPE, const float* q, const float* k, const float* v, const float* log_sums,
                               const float* d_out, float* d_q, float* d_k, float* d_v, float* d_bias) {
  with_precision(precision, [&](auto policy) {
    attention_backward<decltype(policy)>(ATTENTION_SHAPE_VALUE, q, k, v, log_sums, d_out, d_q, d_k, d_v, d_bias);
  });
}

inline void register_attention(const Exports& exports) {
  export_function<attention>(exports, "attention");
  export_function<attention_gradient>(exports, "attentionGradient");
}
