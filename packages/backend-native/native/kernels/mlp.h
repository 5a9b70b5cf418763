// relu(... relu(x W1 + b1) W2 + b2 ...) Wn + bn: packages/backend/src/ops/mlp.ts. A chunk of rows goes through all layers; each
// activation and each gradient is packed where it is made.

struct MlpLayer {
  int64_t inputs, outputs;
  const float *weight, *bias;  // [inputs, outputs], [outputs]
  float *d_weight, *d_bias;
};

// Per layer six numbers: inputs, outputs, and the addresses of weight, bias and their gradients.
inline std::vector<MlpLayer> mlp_layers(int64_t count, const double* numbers) {
  std::vector<MlpLayer> layers;
  const auto address = [](double number) { return reinterpret_cast<float*>(static_cast<uintptr_t>(number)); };
  for (const double* n = numbers; n < numbers + 6 * count; n += 6)
    layers.push_back({int64_t(n[0]), int64_t(n[1]), address(n[2]), address(n[3]), address(n[4]), address(n[5])});
  return layers;
}

constexpr int64_t kMlpRows = 128;

// Rows whose packed activations are held at a time for the weights' gradients.
constexpr int64_t kMlpDepth = 2048;

// Where the result of each layer begins: the last one's at y, the hidden ones' [rows, outputs] behind it, in order.
inline std::vector<float*> mlp_results(const std::vector<MlpLayer>& layers, int64_t rows, float* y) {
  std::vector<float*> results;
  float* next = y + rows * layers.back().outputs;
  for (size_t i = 0; i + 1 < layers.size(); i++) {
    results.push_back(next);
    next += rows * layers[i].outputs;
  }
  results.push_back(y);
  return results;
}

template <class P>
void mlp_as(const std::vector<MlpLayer>& layers, const float* x, int64_t rows, float* y) {
  const std::vector<float*> results = mlp_results(layers, rows, y);
  std::vector<PackedWeight<P>> weights;
  int64_t widest = 0;
  for (const MlpLayer& layer : layers) {
    weights.push_back({{{layer.weight, layer.outputs, false}}, layer.outputs, layer.inputs});
    widest = std::max(widest, layer.inputs);
  }
  pack_weights(weights, kKernel);
  parallel_for(rows, kMlpRows, [&](int64_t begin, int64_t end) {
    const PackedRows<P> packed = in_scratch(kKernel + 1, [&](Workspace& w) { return PackedRows<P>(w, kMlpRows, widest); });
    const typename P::Registers registers;
    const float* input = x + begin * layers[0].inputs;
    for (size_t i = 0; i < layers.size(); i++) {
      const MlpLayer& layer = layers[i];
      float* result = results[i] + begin * layer.outputs;
      Epilogue epilogue;
      epilogue.bias = layer.bias;
      epilogue.activation = i + 1 < layers.size() ? kRelu : kNone;
      weights[i].multiply(packed.pack({input, layer.inputs, false}, end - begin, layer.inputs), end - begin, result, layer.outputs, epilogue);
      input = result;
    }
  });
}

// Zeroes a tile of gradients where relu gave 0; a NaN stays one. Adds its rows to `sums`.
template <class P>
void relu_gradient_tile(float* tile, int64_t rows, int64_t columns, const float* hidden, int64_t stride, float* sums) {
  for (int64_t j = 0; j < columns; j += W) {
    const int64_t n = std::min<int64_t>(W, columns - j);
    vfloat sum = load(sums + j, n);
    for (int64_t i = 0; i < rows; i++) {
      const vfloat value = load(hidden + i * stride + j, n);
      float* at = tile + i * P::kColumns + j;
      const vfloat d = select(value > 0.f, load(at), select(value != value, value, splat(0.f)));
      store(at, d);
      sum += d;
    }
    store(sums + j, sum, n);
  }
}

/// Gradients of weights and biases, and d_first [rows, outputs of the first layer]: what reaches the first sum.
template <class P>
void mlp_gradient_as(const std::vector<MlpLayer>& layers, const float* x, int64_t rows, float* y, const float* dy, float* d_first) {
  const std::vector<float*> results = mlp_results(layers, rows, y);
  const size_t last = layers.size() - 1;
  const auto input_of = [&](size_t i) { return i == 0 ? x : results[i - 1]; };
  std::vector<PackedWeight<P>> turned;  // of the layers 1 to last
  int64_t widest = layers[last].outputs, width = 0;
  for (const MlpLayer& layer : layers) {
    if (&layer != &layers[0]) turned.push_back({{{layer.weight, layer.outputs, true}}, layer.inputs, layer.outputs});
    widest = std::max(widest, layer.outputs);
    width += layer.outputs;
  }
  pack_weights(turned, kKernel);

  const int64_t chunks = (rows + kMlpRows - 1) / kMlpRows;
  float* d_bias = scratch_of<float>(kKernel + 3, chunks * width);
  std::fill(d_bias, d_bias + chunks * width, 0.f);
  for (int64_t row0 = 0; row0 == 0 || row0 < rows; row0 += kMlpDepth) {
    const int64_t depth = std::min(kMlpDepth + 0, rows - row0);
    // The factors of the weights' gradients, for all layers.
    struct Factors {
      std::vector<PackedRows<P>> inputs;  // transposed
      std::vector<PackedColumns<P>> gradients;
    };
    const Factors factors = in_scratch(kKernel + 2, [&](Workspace& w) {
      Factors f;
      for (const MlpLayer& layer : layers) {
        f.inputs.emplace_back(w, layer.inputs, depth);
        f.gradients.emplace_back(w, layer.outputs, depth);
      }
      return f;
    });
    parallel_for(depth, kMlpRows, [&](int64_t begin, int64_t end) {
      const int64_t first = row0 + begin, count = end - begin;
      struct Turns {
        PackedRows<P> even, odd;
      };
      const auto [even, odd] = in_scratch(kKernel + 1, [&](Workspace& w) {
        return Turns{PackedRows<P>(w, kMlpRows, widest), PackedRows<P>(w, kMlpRows, widest)};
      });
      const typename P::Registers registers;
      float* sums = d_bias + first / kMlpRows * width + width;

      const int64_t outputs = layers[last].outputs;
      const float* d = dy + first * outputs;
      sums -= outputs;
      for (int64_t i = 0; i < count; i++)
        for_each_vector(outputs, [&](int64_t j, auto n) { store(sums + j, load(sums + j, n) + load(d + i * outputs + j, n), n); });
      factors.gradients[last].pack_at({d, outputs, false}, outputs, begin, count, depth);
      if (last == 0) std::copy(d, d + count * outputs, d_first + first * outputs);
      even.pack({d, outputs, false}, count, outputs);
      for (size_t i = last; i > 0; i--) {
        const int64_t inputs = layers[i].inputs;
        const float* hidden = results[i - 1] + first * inputs;
        const PackedRows<P>&from = (last - i) % 2 ? odd : even, &to = (last - i) % 2 ? even : odd;
        sums -= inputs;
        for_each_tile(from.packed, count, turned[i - 1], [&](float* tile, int64_t row, int64_t tile_rows, int64_t column, int64_t columns) {
          relu_gradient_tile<P>(tile, tile_rows, columns, hidden + row * inputs + column, inputs, sums + column);
          factors.gradients[i - 1].put(tile, begin + row, tile_rows, column, columns, depth);
          if (i > 1) return to.put(tile, row, tile_rows, column, columns, inputs);
          for (int64_t r = 0; r < tile_rows; r++)
            std::copy(tile + r * P::kColumns, tile + r * P::kColumns + columns, d_first + (first + row + r) * inputs + column);
        });
      }
      for (size_t i = 0; i <= last; i++)
        factors.inputs[i].pack_at({input_of(i) + first * layers[i].inputs, layers[i].inputs, true}, layers[i].inputs, begin, count, depth);
    });

    // The products, a few rows of one weight at a time.
    std::vector<std::pair<size_t, int64_t>> tasks;
    for (size_t i = 0; i <= last; i++)
      for (int64_t row = 0; row < layers[i].inputs; row += P::kBlockRows) tasks.push_back({i, row});
    parallel_for(tasks.size(), 1, [&](int64_t task, int64_t) {
      const auto [i, row] = tasks[task];
      const int64_t outputs = layers[i].outputs, here = std::min(P::kBlockRows + 0, layers[i].inputs - row);
      const typename P::Registers registers;
      multiply_packed<P>(factors.inputs[i].packed + row * P::padded(depth), here, factors.gradients[i].packed, outputs, depth,
                         layers[i].d_weight + row * outputs, outputs, row0 > 0);
    });
  }
  for (const MlpLayer& layer : layers) {
    std::fill(layer.d_bias, layer.d_bias + layer.outputs, 0.f);
    for (int64_t chunk = 0; chunk < chunks; chunk++)
      for_each_vector(layer.outputs, [&](int64_t j, auto n) {
        store(layer.d_bias + j, load(layer.d_bias + j, n) + load(d_bias + chunk * width + j, n), n);
      });
    d_bias += layer.outputs;
  }
}

static void mlp(int precision, int64_t count, const double* layers, const float* x, int64_t rows, float* y) {
  with_precision(precision, [&](auto policy) { mlp_as<decltype(policy)>(mlp_layers(count, layers), x, rows, y); });
}

static void mlp_gradient(int precision, int64_t count, const double* layers, const float* x, int64_t rows, float* y, const float* dy,
                         float* d_first) {
  with_precision(precision, [&](auto policy) {
    mlp_gradient_as<decltype(policy)>(mlp_layers(count, layers), x, rows, y, dy, d_first);
  });
}

inline void register_mlp(const Exports& exports) {
  export_function<mlp>(exports, "mlp");
  export_function<mlp_gradient>(exports, "mlpGradient");
}
