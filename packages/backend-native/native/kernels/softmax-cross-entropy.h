// Mean of log-sum-exp(logits) - logits[label] over the rows: packages/backend/src/ops/softmax-cross-entropy.ts. The mask, where
// there is one, is added to the logits as they are read. The second look at a row finds it in the cache.

inline vfloat masked_logits(const float* logits, const float* mask, int64_t at, int64_t n) {
  return mask ? load(logits + at, n) + load(mask + at, n) : load(logits + at, n);
}

static void softmax_cross_entropy(int64_t rows, int64_t classes, const float* logits, const int32_t* labels, const float* mask,
                                  float* loss, float* log_sums) {
  float* losses = scratch_of<float>(kKernel, rows);
  parallel_for(rows, grain_of(classes), [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t first = row * classes;
      vfloat most = splat(-INFINITY), total{};
      for (int64_t j = 0; j < classes; j += W) {
        const int64_t n = std::min<int64_t>(W, classes - j);
        most = maximum(most, select(lanes() < (int32_t)n, masked_logits(logits, mask, first + j, n), splat(-INFINITY)));
      }
      const float top = max_lane(most);
      for (int64_t j = 0; j < classes; j += W) {
        const int64_t n = std::min<int64_t>(W, classes - j);
        const vfloat power = exponential(masked_logits(logits, mask, first + j, n) - top);
        total += select(lanes() < (int32_t)n, power, splat(0.f));
      }
      const int64_t label = first + labels[row];
      const float distance = logits[label] + (mask ? mask[label] : 0.f) - top, log_sum = std::log(sum(total));
      log_sums[row] = top + log_sum;
      losses[row] = log_sum - distance;
    }
  });
  double total = 0;
  for (int64_t row = 0; row < rows; row++) total += losses[row];
  *loss = total / rows;
}

// (softmax - onehot) dy / R.
static void softmax_cross_entropy_gradient(int64_t rows, int64_t classes, const float* logits, const int32_t* labels,
                                           const float* mask, const float* log_sums, const float* dy, float* d_logits) {
  const float scale = *dy / rows;
  parallel_for(rows, grain_of(classes), [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t first = row * classes;
      for (int64_t j = 0; j < classes; j += W) {
        const int64_t n = std::min<int64_t>(W, classes - j);
        store(d_logits + first + j, exponential(masked_logits(logits, mask, first + j, n) - log_sums[row]) * scale, n);
      }
      d_logits[first + labels[row]] -= scale;
    }
  });
}

inline void register_softmax_cross_entropy(const Exports& exports) {
  export_function<softmax_cross_entropy>(exports, "softmaxCrossEntropy");
  export_function<softmax_cross_entropy_gradient>(exports, "softmaxCrossEntropyGradient");
}
