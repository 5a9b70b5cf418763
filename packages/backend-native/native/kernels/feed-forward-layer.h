// x + dropout(relu(norm(x) W1) W2), with dropout of the hidden layer too: packages/backend/src/ops/feed-forward-layer.ts.
// The hidden layer, eight times as wide as x, is made in blocks of columns.

constexpr int64_t kHiddenColumns = 256;

struct FeedForwardLayer {
  const float *x, *w1, *w2;  // [rows, d], [d, f], [f, d]
  int64_t rows, d, f;
  LayerEnds ends;
  ElementDropout hidden_dropout;

  int64_t chunks() const { return (rows + kLayerRows - 1) / kLayerRows; }
  int64_t blocks() const { return (f + kHiddenColumns - 1) / kHiddenColumns; }
  int64_t columns(int64_t block) const { return std::min(kHiddenColumns + 0, f - block * kHiddenColumns); }

  // hidden [count, n]: columns first_column .. of rows first_row .., times their dropout; also times what comes back, if it is given.
  void drop_hidden(int64_t first_row, int64_t count, int64_t first_column, int64_t n, float* hidden, float* d_hidden, float* room) const {
    for (int64_t i = 0; i < count; i++) {
      const float* factors = hidden_dropout.factors((first_row + i) * f + first_column, n, room);
      float *row = hidden + i * n, *d_row = d_hidden + i * n;
      for (int64_t j = 0; j < n; j += W) {
        const int64_t lanes = std::min<int64_t>(W, n - j);
        const vfloat h = load(row + j, lanes);
        if (d_hidden) {
          const vfloat d = select(h > 0.f, load(d_row + j, lanes), splat(0.f));
          store(d_row + j, factors ? d * load(factors + j, lanes) : d, lanes);
        }
        if (factors) store(row + j, h * load(factors + j, lanes), lanes);
      }
    }
  }
};

template <class P>
void feed_forward_layer_as(const FeedForwardLayer& layer, float* y) {
  const float *x = layer.x, *w1 = layer.w1, *w2 = layer.w2;
  const int64_t rows = layer.rows, d = layer.d, f = layer.f;
  const LayerEnds& ends = layer.ends;
  std::vector<PackedWeight<P>> weights;
  for (int64_t block = 0; block < layer.blocks(); block++) {
    const int64_t column = block * kHiddenColumns, n = layer.columns(block);
    weights.push_back({{w1 + column, f, false}, n, d});
    weights.push_back({{w2 + column * d, d, false}, d, n});
  }
  pack_weights(weights, kKernel);
  parallel_for(layer.chunks(), 1, [&](int64_t begin, int64_t) {
    struct Arrays {
      float *normed, *hidden, *room;
      PackedRows<P> packed, packed_hidden;
    };
    const auto [normed, hidden, room, packed, packed_hidden] = in_scratch(kKernel + 1, [&](Workspace& w) {
      return Arrays{w.take<float>(kLayerRows * d), w.take<float>(kLayerRows * kHiddenColumns),
                    w.take<float>(std::max(d, kHiddenColumns + 0) + 16), PackedRows<P>(w, kLayerRows, d),
                    PackedRows<P>(w, kLayerRows, kHiddenColumns)};
    });
    const typename P::Registers registers;
    const int64_t first = begin * kLayerRows, count = std::min(kLayerRows + 0, rows - first);
    ends.normalise(x + first * d, count, d, normed);
    const auto* left = packed.pack({normed, d, false}, count, d);
    for (int64_t block = 0; block < layer.blocks(); block++) {
      const int64_t n = layer.columns(block);
      weights[2 * block].multiply(left, count, hidden, n, false, kRelu);
      if (layer.hidden_dropout.threshold) layer.drop_hidden(first, count, block * kHiddenColumns, n, hidden, nullptr, room);
      weights[2 * block + 1].multiply(packed_hidden.pack({hidden, n, false}, count, n), count, y + first * d, d, block > 0);
    }
    ends.add(x + first * d, first, count, d, y + first * d, room);
  });
}

template <class P>
void feed_forward_layer_gradient_as(const FeedForwardLayer& layer, const float* dy, float* dx, float* d_norm, float* dw1, float* dw2) {
  const float *x = layer.x, *w1 = layer.w1, *w2 = layer.w2;
  const int64_t rows = layer.rows, d = layer.d, f = layer.f;
  const LayerEnds& ends = layer.ends;
  std::vector<PackedWeight<P>> weights;
  for (int64_t block = 0; block < layer.blocks(); block++) {
    const int64_t column = block * kHiddenColumns, n = layer.columns(block);
    weights.push_back({{w1 + column, f, false}, n, d});
    weights.push_back({{w1 + column, f, true}, d, n});
    weights.push_back({{w2 + column * d, d, true}, n, d});
  }
  pack_weights(weights, kKernel);
  const Total totals[] = {{d_norm, d}, {dw1, d * f}, {dw2, f * d}};
  sum_over_groups(layer.chunks(), kKernel + 2, totals, [&](int64_t chunk, float** sums, bool is_first) {
    struct Arrays {
      float *normed, *dropped, *d_normed, *hidden, *d_hidden, *room;
      PackedRows<P> normed_rows, normed_t, dropped_rows, d_hidden_rows, hidden_t;
      PackedColumns<P> dropped_columns, d_hidden_columns;
    };
    const int64_t r = kLayerRows, h = kHiddenColumns;
    const Arrays a = in_scratch(kKernel + 1, [&](Workspace& w) {
      return Arrays{w.take<float>(r * d),       w.take<float>(r * d),       w.take<float>(r * d),
                    w.take<float>(r * h),       w.take<float>(r * h),       w.take<float>(std::max(d, h) + 16),
                    PackedRows<P>(w, r, d),     PackedRows<P>(w, d, r),     PackedRows<P>(w, r, d),
                    PackedRows<P>(w, r, h),     PackedRows<P>(w, h, r),     PackedColumns<P>(w, d, r),
                    PackedColumns<P>(w, h, r)};
    });
    const typename P::Registers registers;
    const int64_t first = chunk * r, count = std::min(r, rows - first);
    ends.normalise(x + first * d, count, d, a.normed);
    ends.drop(dy + first * d, first, count, d, a.dropped, a.room);
    const auto* normed = a.normed_rows.pack({a.normed, d, false}, count, d);
    const auto* normed_t = a.normed_t.pack({a.normed, d, true}, d, count);
    const auto* dropped = a.dropped_rows.pack({a.dropped, d, false}, count, d);
    const auto* dropped_columns = a.dropped_columns.pack({a.dropped, d, false}, d, count);
    for (int64_t block = 0; block < layer.blocks(); block++) {
      const int64_t n = layer.columns(block), column = block * h;
      const PackedWeight<P>*w = &weights[3 * block];
      w[0].multiply(normed, count, a.hidden, n, false, kRelu);
      w[2].multiply(dropped, count, a.d_hidden, n);
      layer.drop_hidden(first, count, column, n, a.hidden, a.d_hidden, a.room);
      w[1].multiply(a.d_hidden_rows.pack({a.d_hidden, n, false}, count, n), count, a.d_normed, d, block > 0);
      multiply_packed<P>(normed_t, d, a.d_hidden_columns.pack({a.d_hidden, n, false}, n, count), n, count, sums[1] + column, f, !is_first);
      multiply_packed<P>(a.hidden_t.pack({a.hidden, n, true}, n, count), n, dropped_columns, d, count, sums[2] + column * d, d, !is_first);
    }
    if (is_first) std::fill(sums[0], sums[0] + d, 0.f);
    ends.normalise_gradient(x + first * d, a.d_normed, dy + first * d, count, d, dx + first * d, sums[0]);
  });
}

#define FEED_FORWARD_LAYER                                                                                                       \
  const float *x, const float *norm, const float *w1, const float *w2, int64_t rows, int64_t d, int64_t f, float epsilon,        \
      uint32_t hidden_threshold, float hidden_keep, uint32_t hidden_key0, uint32_t hidden_key1, uint32_t threshold, float keep,  \
      uint32_t key0, uint32_t key1
#define FEED_FORWARD_LAYER_VALUE                                                                                                 \
  { x, w1, w2, rows, d, f, {norm, epsilon, {threshold, keep, key0, key1}}, {hidden_threshold, hidden_keep, hidden_key0, hidden_key1} }

static void feed_forward_layer(bool bfloat16, FEED_FORWARD_LAYER, float* y) {
  const auto run = bfloat16 ? feed_forward_layer_as<BFloat16> : feed_forward_layer_as<Float32>;
  run(FEED_FORWARD_LAYER_VALUE, y);
}

static void feed_forward_layer_gradient(bool bfloat16, FEED_FORWARD_LAYER, const float* dy, float* dx, float* d_norm, float* dw1,
                                        float* dw2) {
  const auto run = bfloat16 ? feed_forward_layer_gradient_as<BFloat16> : feed_forward_layer_gradient_as<Float32>;
  run(FEED_FORWARD_LAYER_VALUE, dy, dx, d_norm, dw1, dw2);
}

inline void register_feed_forward_layer(const Exports& exports) {
  export_function<feed_forward_layer>(exports, "feedForwardLayer");
  export_function<feed_forward_layer_gradient>(exports, "feedForwardLayerGradient");
}
