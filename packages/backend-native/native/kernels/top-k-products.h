// The k items of greatest inner product with each query, without a matrix of scores: each block of them is compared with the
// worst item kept so far while it is in the cache.

/// values and indices [m, k], best first, the smaller index first among equals; -infinity and -1 where items run out. Row i
/// does not see the items excluded[excluded_offsets[i] .. excluded_offsets[i + 1]). Scores of NaN or -infinity never enter.
static void top_k_products(bool bfloat16, const float* queries, int64_t m, const float* items, int64_t n, int64_t depth,
                           int64_t k, const int32_t* excluded_offsets, const int32_t* excluded, float* values,
                           int32_t* indices) {
  std::fill(values, values + m * k, -INFINITY);
  std::fill(indices, indices + m * k, -1);
  const auto keep_best = [&](int64_t row, int64_t rows, int64_t column, int64_t columns, float* products) {
    for (int64_t i = 0; i < rows; i++) {
      float* scores = products + i * kProductColumns;
      if (excluded_offsets)
        for (int32_t at = excluded_offsets[row + i]; at < excluded_offsets[row + i + 1]; at++) {
          const int64_t item = excluded[at] - column;
          if (item >= 0 && item < columns) scores[item] = -INFINITY;
        }
      float* kept = values + (row + i) * k;
      int32_t* kept_items = indices + (row + i) * k;
      for (int64_t j = 0; j < columns; j += W) {
        vint better = load(scores + j) > kept[k - 1];
        if (columns - j < W) better &= lanes() < static_cast<int32_t>(columns - j);
        for (uint32_t bits = lanes_of(better); bits != 0; bits &= bits - 1) {
          const int64_t at = j + __builtin_ctz(bits);
          const float score = scores[at];
          if (!(score > kept[k - 1])) continue;
          // Columns ascend, so a score goes behind its equals.
          const int64_t place = std::upper_bound(kept, kept + k, score, std::greater<float>()) - kept;
          std::memmove(kept + place + 1, kept + place, (k - 1 - place) * sizeof(float));
          std::memmove(kept_items + place + 1, kept_items + place, (k - 1 - place) * sizeof(int32_t));
          kept[place] = score;
          kept_items[place] = static_cast<int32_t>(column + at);
        }
      }
    }
  };
  if (bfloat16)
    blocked_products<BFloat16>(queries, m, items, n, depth, keep_best);
  else
    blocked_products<Float32>(queries, m, items, n, depth, keep_best);
}

inline void register_top_k_products(const Exports& exports) { export_function<top_k_products>(exports, "topKProducts"); }
