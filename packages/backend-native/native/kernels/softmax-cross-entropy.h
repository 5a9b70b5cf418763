// Mean over the rows of log-sum-exp(z) - z[label] with z = hidden classes^T + mask: packages/backend/src/ops/softmax-cross-entropy.ts.
// No matrix of logits is made: a block of them is looked at in the cache, and the backward pass makes it again.

struct CrossEntropy {
  const float *hidden, *classes;  // [rows, depth], [count, depth]
  int64_t rows, count, depth;
  const int32_t* labels;  // [rows]
  const float* mask;      // [rows, count], or none
};

template <class P>
void softmax_cross_entropy_as(const CrossEntropy& e, float* loss, float* log_sums) {
  float* tops = scratch_of<float>(kKernel + 1, 3 * e.rows);
  float *masses = tops + e.rows, *chosen = masses + e.rows;
  std::fill(tops, tops + e.rows, -INFINITY);
  std::fill(masses, masses + e.rows, 0.f);
  blocked_products<P>(e.hidden, e.rows, e.classes, e.count, e.depth, [&](int64_t row0, int64_t rows, int64_t column, int64_t columns, float* products) {
    for (int64_t row = row0; row < row0 + rows; row++) {
      float* logits = products + (row - row0) * kProductColumns;
      vfloat most = splat(tops[row]);
      for_each_vector(columns, [&](int64_t j, auto n) {
        vfloat z = load(logits + j, n);
        if (e.mask) z = z + load(e.mask + row * e.count + column + j, n);
        store(logits + j, z, n);
        most = maximum(most, select(lanes() < (int32_t)n, z, splat(-INFINITY)));
      });
      const float top = max_lane(most);
      if (top == -INFINITY) {
        chosen[row] = top;
        continue;
      }
      vfloat mass{};
      for_each_vector(columns, [&](int64_t j, auto n) {
        mass += select(lanes() < (int32_t)n, exponential(load(logits + j, n) - top), splat(0.f));
      });
      masses[row] = masses[row] * std::exp(tops[row] - top) + sum(mass);
      tops[row] = top;
      const int64_t label = e.labels[row] - column;
      if (label >= 0 && label < columns) chosen[row] = logits[label];
    }
  });
  double total = 0;
  for (int64_t row = 0; row < e.rows; row++) {
    log_sums[row] = tops[row] + std::log(masses[row]);
    total += tops[row] - chosen[row] + std::log(masses[row]);
  }
  *loss = total / e.rows;
}

// Rows and classes of a block of the backward pass.
constexpr int64_t kEntropyBlock = 256;

// With d = (softmax - onehot) dy / R: d_hidden = d classes, d_classes = d^T hidden.
template <class P>
void softmax_cross_entropy_gradient_as(const CrossEntropy& e, const float* log_sums, const float* dy, float* d_hidden, float* d_classes) {
  const float scale = *dy / e.rows;
  const int64_t depth = e.depth, size = kEntropyBlock;
  const PackedRows<P> hidden_rows = in_scratch(kKernel, [&](Workspace& w) { return PackedRows<P>(w, e.rows, depth); });
  parallel_for(e.rows, 8 * P::kRows, [&](int64_t begin, int64_t end) {
    pack_row_panels<P>({e.hidden, depth, false}, begin, end - begin, 0, depth, hidden_rows.packed + begin * P::padded(depth), P::padded(depth));
  });
  const Total totals[] = {{d_hidden, e.rows * depth}};
  sum_over_groups((e.count + size - 1) / size, kKernel + 2, totals, [&](int64_t block, float** sums, bool is_first) {
    struct Arrays {
      float* d;
      PackedColumns<P> classes_t, classes, hidden;
      PackedRows<P> d_rows, d_t;
    };
    const Arrays a = in_scratch(kKernel + 1, [&](Workspace& w) {
      return Arrays{w.take<float>(size * size),     PackedColumns<P>(w, size, depth), PackedColumns<P>(w, depth, size),
                    PackedColumns<P>(w, depth, size), PackedRows<P>(w, size, size),     PackedRows<P>(w, size, size)};
    });
    const typename P::Registers registers;
    const int64_t column = block * size, columns = std::min(size, e.count - column);
    const float* classes = e.classes + column * depth;
    a.classes_t.pack({classes, depth, true}, columns, depth);
    a.classes.pack({classes, depth, false}, depth, columns);
    for (int64_t row0 = 0; row0 == 0 || row0 < e.rows; row0 += P::kRows * (size / P::kRows)) {
      const int64_t rows = std::min<int64_t>(P::kRows * (size / P::kRows), e.rows - row0);
      multiply_packed<P>(hidden_rows.packed + row0 * P::padded(depth), rows, a.classes_t.packed, columns, depth, a.d, size, false);
      for (int64_t i = 0; i < rows; i++) {
        float* d = a.d + i * size;
        const int64_t row = row0 + i, label = e.labels[row] - column;
        const float log_sum = log_sums[row];
        for_each_vector(columns, [&](int64_t j, auto n) {
          vfloat z = load(d + j, n);
          if (e.mask) z = z + load(e.mask + row * e.count + column + j, n);
          store(d + j, exponential(z - log_sum) * scale, n);
        });
        if (label >= 0 && label < columns) d[label] -= scale;
      }
      const auto* d_rows = a.d_rows.pack({a.d, size, false}, rows, columns);
      multiply_packed<P>(d_rows, rows, a.classes.packed, depth, columns, sums[0] + row0 * depth, depth, !is_first);
      const auto* d_t = a.d_t.pack({a.d, size, true}, columns, rows);
      const auto* hidden = a.hidden.pack({e.hidden + row0 * depth, depth, false}, depth, rows);
      multiply_packed<P>(d_t, columns, hidden, depth, rows, d_classes + column * depth, depth, row0 > 0);
    }
  });
}

#define CROSS_ENTROPY                                                                                                     \
  const float *hidden, const float *classes, int64_t rows, int64_t count, int64_t depth, const int32_t *labels, const float *mask
#define CROSS_ENTROPY_VALUE \
  { hidden, classes, rows, count, depth, labels, mask }

static void softmax_cross_entropy(int precision, CROSS_ENTROPY, float* loss, float* log_sums) {
  with_precision(precision, [&](auto policy) { softmax_cross_entropy_as<decltype(policy)>(CROSS_ENTROPY_VALUE, loss, log_sums); });
}
static void softmax_cross_entropy_gradient(int precision, CROSS_ENTROPY, const float* log_sums, const float* dy, float* d_hidden,
                                           float* d_classes) {
  with_precision(precision, [&](auto policy) {
    softmax_cross_entropy_gradient_as<decltype(policy)>(CROSS_ENTROPY_VALUE, log_sums, dy, d_hidden, d_classes);
  });
}

inline void register_softmax_cross_entropy(const Exports& exports) {
  export_function<softmax_cross_entropy>(exports, "softmaxCrossEntropy");
  export_function<softmax_cross_entropy_gradient>(exports, "softmaxCrossEntropyGradient");
}
