// relu(x W1) W2 with dropout of the hidden layer: a block of rows at a time, so that the hidden layer, eight times as wide as x,
// stays in the cache. The backward pass makes it again.

// A weight matrix packed for products with many blocks of rows: its blocks of K one after another.
template <class P>
typename P::Packed* pack_weight(const Matrix& weight, int64_t n, int64_t k, int slot) {
  int64_t size = 0;
  for (int64_t k0 = 0; k0 < k; k0 += P::kBlockK) size += packed_size<P>(n, std::min<int64_t>(P::kBlockK, k - k0));
  auto* packed = scratch_of<typename P::Packed>(slot, size + 64);
  auto* at = packed;
  for (int64_t k0 = 0; k0 < k; k0 += P::kBlockK) {
    const int64_t depth = std::min<int64_t>(P::kBlockK, k - k0);
    pack<P>(weight, n, k0, depth, at);
    at += packed_size<P>(n, depth);
  }
  return packed;
}

// rows (at most kBlockRows) of A, which begin at a, times a packed weight.
template <class P>
void multiply_packed(const float* a, int64_t rows, const typename P::Packed* weight, int64_t n, int64_t k, float* c,
                     const Epilogue& epilogue = {}) {
  for (int64_t k0 = 0; k0 < k; k0 += P::kBlockK) {
    const int64_t depth = std::min<int64_t>(P::kBlockK, k - k0);
    multiply_block<P>({a, k, false}, 0, rows, weight, 0, (n + P::kColumns - 1) / P::kColumns, n, k0, depth, c, n, epilogue, k0 == 0,
                      k0 + P::kBlockK >= k);
    weight += packed_size<P>(n, depth);
  }
}

struct HiddenDropout {
  uint32_t threshold;
  float keep;
  uint32_t key0, key1;

  // Factors of the elements first .. first + count - 1 of the hidden layer; `out` has room for 8 more.
  const float* factors(int64_t first, int64_t count, float* out) const {
    const int64_t skip = first % 8;
    dropout_factors(key0, key1, (uint64_t)(first / 8), count + skip, threshold, keep, out);
    return out + skip;
  }
};

template <class P>
void feed_forward_as(const float* x, const float* w1, const float* w2, int64_t rows, int64_t d, int64_t f,
                     const HiddenDropout& dropout, float* y) {
  const auto* first = pack_weight<P>({w1, f, false}, f, d, kKernel);
  const auto* second = pack_weight<P>({w2, d, false}, d, f, kKernel + 1);
  Epilogue relu;
  relu.activation = kRelu;
  parallel_for(rows, P::kBlockRows, [&](int64_t begin, int64_t end) {
    float* hidden = scratch_of<float>(kKernel + 2, P::kBlockRows * f + f + 16);
    float* room = hidden + P::kBlockRows * f;
    multiply_packed<P>(x + begin * d, end - begin, first, f, d, hidden, relu);
    if (dropout.threshold)
      for (int64_t r = begin; r < end; r++) {
        const float* factors = dropout.factors(r * f, f, room);
        float* row = hidden + (r - begin) * f;
        for (int64_t j = 0; j < f; j += W) {
          const int64_t n = std::min<int64_t>(W, f - j);
          store(row + j, load(row + j, n) * load(factors + j, n), n);
        }
      }
    multiply_packed<P>(hidden, end - begin, second, d, f, y + begin * d);
  });
}

template <class P>
void feed_forward_gradient_as(const float* x, const float* w1, const float* w2, const float* dy, int64_t rows, int64_t d, int64_t f,
                              const HiddenDropout& dropout, float* dx, float* dw1, float* dw2) {
  const auto* first = pack_weight<P>({w1, f, false}, f, d, kKernel);
  const auto* first_t = pack_weight<P>({w1, f, true}, d, f, kKernel + 1);
  const auto* second_t = pack_weight<P>({w2, d, true}, f, d, kKernel + 2);
  // After dropout, and the gradient before relu; both [rows, f].
  float* hidden = scratch_of<float>(kKernel + 3, 2 * rows * f);
  float* d_hidden = hidden + rows * f;
  Epilogue relu;
  relu.activation = kRelu;
  parallel_for(rows, P::kBlockRows, [&](int64_t begin, int64_t end) {
    float* room = scratch_of<float>(kKernel + 4, f + 16);
    multiply_packed<P>(x + begin * d, end - begin, first, f, d, hidden + begin * f, relu);
    multiply_packed<P>(dy + begin * d, end - begin, second_t, f, d, d_hidden + begin * f);
    for (int64_t r = begin; r < end; r++) {
      float *row = hidden + r * f, *d_row = d_hidden + r * f;
      const float* factors = dropout.threshold ? dropout.factors(r * f, f, room) : nullptr;
      for (int64_t j = 0; j < f; j += W) {
        const int64_t n = std::min<int64_t>(W, f - j);
        const vfloat h = load(row + j, n);
        vfloat gradient = select(h > 0.f, load(d_row + j, n), splat(0.f));
        if (factors) {
          const vfloat factor = load(factors + j, n);
          gradient = gradient * factor;
          store(row + j, h * factor, n);
        }
        store(d_row + j, gradient, n);
      }
    }
    multiply_packed<P>(d_hidden + begin * f, end - begin, first_t, d, f, dx + begin * d);
  });
  multiply_matrices<P>({x, d, true}, {d_hidden, f, false}, d, f, rows, dw1, f, {});
  multiply_matrices<P>({hidden, f, true}, {dy, d, false}, f, d, rows, dw2, d, {});
}

static void feed_forward(bool bfloat16, const float* x, const float* w1, const float* w2, int64_t rows, int64_t d, int64_t f,
                         uint32_t threshold, float keep, uint32_t key0, uint32_t key1, float* y) {
  const auto run = bfloat16 ? feed_forward_as<BFloat16> : feed_forward_as<Float32>;
  run(x, w1, w2, rows, d, f, {threshold, keep, key0, key1}, y);
}

static void feed_forward_gradient(bool bfloat16, const float* x, const float* w1, const float* w2, const float* dy, int64_t rows,
                                  int64_t d, int64_t f, uint32_t threshold, float keep, uint32_t key0, uint32_t key1, float* dx,
                                  float* dw1, float* dw2) {
  const auto run = bfloat16 ? feed_forward_gradient_as<BFloat16> : feed_forward_gradient_as<Float32>;
  run(x, w1, w2, dy, rows, d, f, {threshold, keep, key0, key1}, dx, dw1, dw2);
}

inline void register_feed_forward(const Exports& exports) {
  export_function<feed_forward>(exports, "feedForward");
  export_function<feed_forward_gradient>(exports, "feedForwardGradient");
}
