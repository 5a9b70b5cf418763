// x + dropout(relu(norm(x) W1) W2), with dropout of the hidden layer too: packages/backend/src/ops/feed-forward-layer.ts.
// The hidden layer, eight times as wide as x, is made in blocks of columns.

constexpr int64_t kHiddenColumns = 256;

// Bytes between the rows of a block's bits, one for each element.
constexpr int64_t kBitsStride = kHiddenColumns / 8;

struct FeedForwardLayer {
  const float *x, *w1, *w2;  // [rows, d], [d, f], [f, d]
  int64_t rows, d, f;
  LayerEnds ends;
  ElementDropout hidden_dropout;

  int64_t chunks() const { return (rows + kLayerRows - 1) / kLayerRows; }
  int64_t blocks() const { return (f + kHiddenColumns - 1) / kHiddenColumns; }
  int64_t columns(int64_t block) const { return std::min(kHiddenColumns + 0, f - block * kHiddenColumns); }

  // Which elements of a block of the hidden layer dropout keeps.
  void kept(int64_t first, int64_t count, int64_t block, uint8_t* bits) const {
    for (int64_t i = 0; i < count; i++)
      hidden_dropout.bits((first + i) * f + block * kHiddenColumns, columns(block), bits + i * kBitsStride);
  }
};

// Multiplies the elements of a tile whose bit is set with `factor` and zeroes the others. With `relu` the negative ones, too, and their
// bits: those left are of the elements that a gradient passes.
template <class P, bool relu>
void mask_tile(float* tile, int64_t rows, float factor, uint8_t* bits) {
  for (int64_t i = 0; i < rows; i++, tile += P::kColumns, bits += kBitsStride) {
    uint32_t kept = 0, passed = 0;
    std::memcpy(&kept, bits, P::kColumns / 8);
    for (int64_t j = 0; j < P::kColumns; j += W) {
      vfloat value = load(tile + j);
      if (relu) value = maximum(splat(0.f), value);  // NaN stays
      value = keep_lanes(value * factor, kept >> j);
      if (relu) passed |= lanes_of(value != 0.f) << j;
      store(tile + j, value);
    }
    if (relu) std::memcpy(bits, &passed, P::kColumns / 8);
  }
}

template <class P>
void feed_forward_layer_as(const FeedForwardLayer& layer, float* y) {
  const int64_t d = layer.d, f = layer.f, r = kLayerRows;
  std::vector<PackedWeight<P>> weights;
  for (int64_t block = 0; block < layer.blocks(); block++) {
    const int64_t column = block * kHiddenColumns, n = layer.columns(block);
    weights.push_back({{{layer.w1 + column, f, false}}, n, d});
    weights.push_back({{{layer.w2 + column * d, d, false}}, d, n});
  }
  pack_weights(weights, kKernel);
  parallel_for(layer.chunks(), 1, [&](int64_t chunk, int64_t) {
    struct Arrays {
      float *normed, *room;
      uint8_t* bits;
      PackedRows<P> normed_rows, hidden_rows;
    };
    const Arrays a = in_scratch(kKernel + 1, [&](Workspace& w) {
      return Arrays{w.take<float>(r * d), w.take<float>(d + 16), w.take<uint8_t>(r * kBitsStride + 64), PackedRows<P>(w, r, d),
                    PackedRows<P>(w, r, kHiddenColumns)};
    });
    const typename P::Registers registers;
    const int64_t first = chunk * r, count = std::min(r, layer.rows - first);
    const float* x = layer.x + first * d;
    layer.ends.normalise(x, count, d, a.normed);
    const auto* normed = a.normed_rows.pack({a.normed, d, false}, count, d);
    for (int64_t block = 0; block < layer.blocks(); block++) {
      const int64_t n = layer.columns(block);
      layer.kept(first, count, block, a.bits);
      for_each_tile(normed, count, weights[2 * block], [&](float* tile, int64_t row, int64_t rows, int64_t column, int64_t columns) {
        mask_tile<P, true>(tile, rows, layer.hidden_dropout.keep, a.bits + row * kBitsStride + column / 8);
        a.hidden_rows.put(tile, row, rows, column, columns, n);
      });
      weights[2 * block + 1].multiply(a.hidden_rows.packed, count, y + first * d, d, block > 0);
    }
    layer.ends.add(x, first, count, d, y + first * d, a.room);
  });
}

template <class P>
void feed_forward_layer_gradient_as(const FeedForwardLayer& layer, const float* dy, float* dx, float* d_norm, float* dw1, float* dw2) {
  const int64_t d = layer.d, f = layer.f, r = kLayerRows;
  std::vector<PackedWeight<P>> weights;
  for (int64_t block = 0; block < layer.blocks(); block++) {
    const int64_t column = block * kHiddenColumns, n = layer.columns(block);
    weights.push_back({{{layer.w1 + column, f, false}}, n, d});
    weights.push_back({{{layer.w2 + column * d, d, true}}, n, d});
    weights.push_back({{{layer.w1 + column, f, true}}, d, n});
  }
  pack_weights(weights, kKernel);
  const Total totals[] = {{d_norm, d}, {dw1, d * f}, {dw2, f * d, d}};
  sum_over_groups(layer.chunks(), kKernel + 2, totals, [&](int64_t chunk, float** sums, bool is_first) {
    struct Arrays {
      float *normed, *dropped, *d_normed, *room;
      uint8_t* bits;
      PackedRows<P> normed_rows, normed_t, dropped_rows, dropped_t, d_hidden_rows;
      PackedColumns<P> hidden_columns, d_hidden_columns;
    };
    const Arrays a = in_scratch(kKernel + 1, [&](Workspace& w) {
      return Arrays{w.take<float>(r * d),
                    w.take<float>(r * d),
                    w.take<float>(r * d),
                    w.take<float>(d + 16),
                    w.take<uint8_t>(r * kBitsStride + 64),
                    PackedRows<P>(w, r, d),
                    PackedRows<P>(w, d, r),
                    PackedRows<P>(w, r, d),
                    PackedRows<P>(w, d, r),
                    PackedRows<P>(w, r, kHiddenColumns),
                    PackedColumns<P>(w, kHiddenColumns, r),
                    PackedColumns<P>(w, kHiddenColumns, r)};
    });
    const typename P::Registers registers;
    const int64_t first = chunk * r, count = std::min(r, layer.rows - first);
    const float* x = layer.x + first * d;
    layer.ends.normalise(x, count, d, a.normed);
    layer.ends.drop(dy + first * d, first, count, d, a.dropped, a.room);
    const auto* normed = a.normed_rows.pack({a.normed, d, false}, count, d);
    const auto* normed_t = a.normed_t.pack({a.normed, d, true}, d, count);
    const auto* dropped = a.dropped_rows.pack({a.dropped, d, false}, count, d);
    const auto* dropped_t = a.dropped_t.pack({a.dropped, d, true}, d, count);
    for (int64_t block = 0; block < layer.blocks(); block++) {
      const int64_t n = layer.columns(block), column0 = block * kHiddenColumns;
      const PackedWeight<P>* w = &weights[3 * block];
      layer.kept(first, count, block, a.bits);
      for_each_tile(normed, count, w[0], [&](float* tile, int64_t row, int64_t rows, int64_t column, int64_t columns) {
        mask_tile<P, true>(tile, rows, layer.hidden_dropout.keep, a.bits + row * kBitsStride + column / 8);
        a.hidden_columns.put(tile, row, rows, column, columns, count);
      });
      for_each_tile(dropped, count, w[1], [&](float* tile, int64_t row, int64_t rows, int64_t column, int64_t columns) {
        mask_tile<P, false>(tile, rows, layer.hidden_dropout.keep, a.bits + row * kBitsStride + column / 8);
        a.d_hidden_rows.put(tile, row, rows, column, columns, n);
        a.d_hidden_columns.put(tile, row, rows, column, columns, count);
      });
      w[2].multiply(a.d_hidden_rows.packed, count, a.d_normed, d, block > 0);
      multiply_packed<P>(normed_t, d, a.d_hidden_columns.packed, n, count, sums[1] + column0, f, !is_first);
      multiply_packed<P>(dropped_t, d, a.hidden_columns.packed, n, count, sums[2] + column0, f, !is_first);
    }
    if (is_first) std::fill(sums[0], sums[0] + d, 0.f);
    layer.ends.normalise_gradient(x, a.d_normed, dy + first * d, count, d, dx + first * d, sums[0]);
  });
}

#define FEED_FORWARD_LAYER                                                                                                       \
  const float *x, const float *norm, const float *w1, const float *w2, int64_t rows, int64_t d, int64_t f, float epsilon,        \
      uint32_t hidden_threshold, float hidden_keep, uint32_t hidden_key0, uint32_t hidden_key1, uint32_t threshold, float keep,  \
      uint32_t key0, uint32_t key1
#define FEED_FORWARD_LAYER_VALUE                                                                                                 \
  { x, w1, w2, rows, d, f, {norm, epsilon, {threshold, keep, key0, key1}}, {hidden_threshold, hidden_keep, hidden_key0, hidden_key1} }

static void feed_forward_layer(int precision, FEED_FORWARD_LAYER, float* y) {
  with_precision(precision, [&](auto policy) { feed_forward_layer_as<decltype(policy)>(FEED_FORWARD_LAYER_VALUE, y); });
}

static void feed_forward_layer_gradient(int precision, FEED_FORWARD_LAYER, const float* dy, float* dx, float* d_norm, float* dw1,
                                        float* dw2) {
  with_precision(precision, [&](auto policy) {
    feed_forward_layer_gradient_as<decltype(policy)>(FEED_FORWARD_LAYER_VALUE, dy, dx, d_norm, dw1, dw2);
  });
}

inline void register_feed_forward_layer(const Exports& exports) {
  export_function<feed_forward_layer>(exports, "feedForwardLayer");
  export_function<feed_forward_layer_gradient>(exports, "feedForwardLayerGradient");
}
