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
    pack_row_panels<P>(a, 0, m, 0, k, left, P::padded(k));
    pack_column_panels<P>(b, n, k, right, P::padded(k));
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

// The first sequence of each chunk, and the end: runs of whole sequences of at most `most` rows(begin, end), or one longer one.
template <class F>
std::vector<int64_t> chunks_of_sequences(int64_t batch, int64_t most, F&& rows) {
  std::vector<int64_t> borders{0};
  for (int64_t b = 1; b < batch; b++)
    if (rows(borders.back(), b + 1) > most) borders.push_back(b);
  if (batch > 0) borders.push_back(batch);
  return borders;
}

// One head of the sequences begin .. end - 1: their rows of q and of k and v, `q_stride` and `kv_stride` floats apart.
struct HeadOfGroup {
  const float *q, *k, *v;
  int64_t q_stride, kv_stride;
  int64_t head, begin, end;
};

// How many short sequences share their products, each query seeing its own sequence's keys alone: a tile has room for as many. Where
// there are no tiles, one.
template <class P>
struct Group {
  static constexpr int64_t kQueries = P::kRows, kKeys = 3 * P::kColumns;
  static int64_t end(const AttentionShape& s, int64_t begin, int64_t end) {
    int64_t last = begin + 1;
    while (last < end && s.query_offsets[last + 1] - s.query_offsets[begin] <= kQueries &&
           s.key_offsets[last + 1] - s.key_offsets[begin] <= kKeys)
      last++;
    return last;
  }
};
template <>
struct Group<Float32> {
  static constexpr int64_t kQueries = 0, kKeys = 0;
  static int64_t end(const AttentionShape&, int64_t begin, int64_t) { return begin + 1; }
};
#if defined(__AMX_BF16__)
template <>
struct Group<BFloat16x3> : Group<Float32> {};
#endif

// What one head of a group needs, in floats.
template <class P>
int64_t attention_room(const AttentionShape& s) {
  const int64_t longest_q = longest(s.query_offsets, s.batch), longest_k = longest(s.key_offsets, s.batch);
  const int64_t queries = std::max(longest_q, Group<P>::kQueries + 0), keys = std::max(longest_k, Group<P>::kKeys + 0);
  return 3 * Small<P>::rows(queries) * Small<P>::columns(keys) + longest_q * round_up(longest_k, 8) + W +
         Small<P>::room(std::max(keys, queries), s.width);
}

// Calls f(i, k, seen, row, at, factors) for each query of a group: the numbers of its row and of its first key in the group, how many
// keys it sees, the number of its row among all, where these keys' bias begins, and dropout's factors for them.
template <class F>
void for_each_query(const AttentionShape& s, const HeadOfGroup& a, float* room, F&& f) {
  for (int64_t b = a.begin; b < a.end; b++) {
    const int64_t first = s.query_offsets[b], queries = s.query_offsets[b + 1] - first;
    const int64_t k = s.key_offsets[b] - s.key_offsets[a.begin], keys = s.key_offsets[b + 1] - s.key_offsets[b];
    const int64_t factors_per_row = round_up(keys, 8);
    const uint64_t block = ((uint64_t)b << 32) + a.head * queries * (factors_per_row / 8);
    if (s.threshold) dropout_factors(s.key0, s.key1, block, queries * factors_per_row, s.threshold, s.keep, room);
    for (int64_t i = 0; i < queries; i++) {
      const int64_t seen = s.causal ? std::min(keys, i + 1) : keys;
      f(first + i - s.query_offsets[a.begin], k, seen, first + i, s.zero - i, room + i * factors_per_row);
    }
  }
}

// Zeroes a row of probabilities but for `seen` from k on: other sequences' keys, and those that come after a causal query.
inline void zero_unseen(float* row, int64_t k, int64_t seen, int64_t keys) {
  std::fill(row, row + k, 0.f);
  std::fill(row + k + seen, row + keys, 0.f);
}

// out [queries, E] and the log-sum-exp of each query's scores, all heads' side by side in log_sums [Q, H] (or none). The thread holds
// P::Registers, here and below. `whole`: what follows the last row of out may be lost.
template <class P>
void attend(const AttentionShape& s, const HeadOfGroup& a, float* out, int64_t out_stride, bool whole, float* log_sums, float* room) {
  const int64_t queries = s.query_offsets[a.end] - s.query_offsets[a.begin], keys = s.key_offsets[a.end] - s.key_offsets[a.begin];
  const int64_t stride = Small<P>::columns(keys), matrix = Small<P>::rows(queries) * stride;  // of the scores
  float *scores = room, *factors_room = scores + matrix;
  room = factors_room + longest(s.query_offsets + a.begin, a.end - a.begin) * round_up(longest(s.key_offsets + a.begin, a.end - a.begin), 8) + W;
  const Matrix q{a.q, a.q_stride, false}, k_t{a.k, a.kv_stride, true}, v{a.v, a.kv_stride, false};
  Small<P>::multiply(q, k_t, queries, keys, s.width, scores, stride, true, room);
  for_each_query(s, a, factors_room, [&](int64_t i, int64_t k, int64_t seen, int64_t row_of_all, int64_t at, const float* factors) {
    const float* bias = s.bias ? s.bias + a.head * s.distances + at : nullptr;
    float* row = scores + i * stride + k;
    vfloat most = splat(-INFINITY);
    for_each_vector(seen, [&](int64_t j, auto n) {
      vfloat score = load(row + j, n);
      if (bias) score = score + load(bias + j, n);
      store(row + j, score, n);
      most = maximum(most, select(lanes() < (int32_t)n, score, splat(-INFINITY)));
    });
    const float top = max_lane(most);
    vfloat total{};
    for_each_vector(seen, [&](int64_t j, auto n) {
      const vfloat e = select(lanes() < (int32_t)n, exponential(load(row + j, n) - top), splat(0.f));
      store(row + j, e, n);
      total += e;
    });
    const float mass = sum(total), scale = seen > 0 ? 1.f / mass : 0.f;
    if (log_sums) log_sums[row_of_all * s.heads + a.head] = seen > 0 ? top + std::log(mass) : 0.f;
    for_each_vector(seen, [&](int64_t j, auto n) {
      const vfloat p = load(row + j, n) * scale;
      store(row + j, s.threshold ? p * load(factors + j, n) : p, n);
    });
    zero_unseen(scores + i * stride, k, seen, keys);
  });
  Small<P>::multiply({scores, stride, false}, v, queries, s.width, keys, out, out_stride, whole, room);
}

// The gradients of q, k and v (with their strides), and of the head's row of the bias, which grows, from that of the output. With
// `out`, which has d_out's stride, the output is made again too. `whole`: what follows the last rows of all these may be lost.
template <class P>
void attend_gradient(const AttentionShape& s, const HeadOfGroup& a, const float* log_sums, const float* d_out, int64_t d_out_stride,
                     float* d_q, float* d_k, float* d_v, bool whole, float* d_bias, float* out, float* room) {
  const int64_t queries = s.query_offsets[a.end] - s.query_offsets[a.begin], keys = s.key_offsets[a.end] - s.key_offsets[a.begin];
  const int64_t stride = Small<P>::columns(keys), matrix = Small<P>::rows(queries) * stride;
  float *p = room, *dropped = p + matrix, *d_p = dropped + matrix, *factors_room = d_p + matrix;
  room = factors_room + longest(s.query_offsets + a.begin, a.end - a.begin) * round_up(longest(s.key_offsets + a.begin, a.end - a.begin), 8) + W;
  const Matrix q{a.q, a.q_stride, false}, k{a.k, a.kv_stride, false}, v{a.v, a.kv_stride, false}, dy{d_out, d_out_stride, false};
  const Matrix k_t{a.k, a.kv_stride, true}, v_t{a.v, a.kv_stride, true};
  Small<P>::multiply(q, k_t, queries, keys, s.width, p, stride, true, room);
  Small<P>::multiply(dy, v_t, queries, keys, s.width, d_p, stride, true, room);
  for_each_query(s, a, factors_room, [&](int64_t i, int64_t k0, int64_t seen, int64_t row_of_all, int64_t at, const float* factors) {
    const float* bias = s.bias ? s.bias + a.head * s.distances + at : nullptr;
    float *row = p + i * stride + k0, *d_row = d_p + i * stride + k0, *dropped_row = dropped + i * stride + k0;
    const float log_sum = log_sums[row_of_all * s.heads + a.head];
    vfloat inner{};
    for_each_vector(seen, [&](int64_t j, auto n) {
      vfloat score = load(row + j, n);
      if (bias) score = score + load(bias + j, n);
      const vfloat probability = exponential(score - log_sum);
      vfloat d = load(d_row + j, n), after = probability;
      if (s.threshold) {
        const vfloat factor = load(factors + j, n);
        after = probability * factor;
        d = d * factor;
      }
      store(row + j, probability, n);
      store(dropped_row + j, after, n);
      store(d_row + j, d, n);
      inner += select(lanes() < (int32_t)n, probability * d, splat(0.f));
    });
    const float mean = sum(inner);
    float* sums = d_bias ? d_bias + at : nullptr;
    for_each_vector(seen, [&](int64_t j, auto n) {
      const vfloat d = load(row + j, n) * (load(d_row + j, n) - mean);
      store(d_row + j, d, n);
      if (sums) store(sums + j, load(sums + j, n) + d, n);
    });
    zero_unseen(d_p + i * stride, k0, seen, keys);
    zero_unseen(dropped + i * stride, k0, seen, keys);
  });
  if (out) Small<P>::multiply({dropped, stride, false}, v, queries, s.width, keys, out, d_out_stride, whole, room);
  Small<P>::multiply({dropped, stride, true}, dy, keys, s.width, queries, d_v, a.kv_stride, whole, room);
  Small<P>::multiply({d_p, stride, false}, k, queries, s.width, keys, d_q, a.q_stride, whole, room);
  Small<P>::multiply({d_p, stride, true}, q, keys, s.width, queries, d_k, a.kv_stride, whole, room);
}

// Calls f(head of group, its first float in q, in k) for every head of the sequences begin .. end - 1; rows hold all heads side by side.
template <class P, class F>
void for_each_head(const AttentionShape& s, int64_t begin, int64_t end, const float* q, const float* k, const float* v, F&& f) {
  const int64_t stride = s.heads * s.width;
  end = std::min(end, s.batch);
  for (int64_t b = begin, next; b < end; b = next) {
    next = Group<P>::end(s, b, end);
    for (int64_t h = 0; h < s.heads; h++) {
      const int64_t at_q = s.query_offsets[b] * stride + h * s.width, at_k = s.key_offsets[b] * stride + h * s.width;
      f(HeadOfGroup{q + at_q, k + at_k, v + at_k, stride, stride, h, b, next}, at_q, at_k);
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
    for_each_head<P>(s, begin, end, q, k, v, [&](const HeadOfGroup& head, int64_t at_q, int64_t) {
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
    for_each_head<P>(s, begin, end, q, k, v, [&](const HeadOfGroup& head, int64_t at_q, int64_t at_k) {
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
