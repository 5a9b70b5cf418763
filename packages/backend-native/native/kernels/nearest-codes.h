// The nearest row of a codebook for each vector, without a matrix of distances. Distances are float32 whatever the precision: a
// code decided by rounding would be another item's.

inline float squared_length(const float* x, int64_t width) {
  vfloat total{};
  int64_t i = 0;
  for (; i + W <= width; i += W) total += load(x + i) * load(x + i);
  if (i < width) {
    const vfloat v = load(x + i, width - i);
    total += v * v;
  }
  return sum(total);
}

// |scale * x - y|^2, from differences: |x|^2 - 2xy + |y|^2 has no correct digit left where x is close to y.
inline float squared_difference(const float* x, float scale, const float* y, int64_t width) {
  vfloat total{};
  int64_t i = 0;
  for (; i + W <= width; i += W) {
    const vfloat difference = load(x + i) * scale - load(y + i);
    total += difference * difference;
  }
  if (i < width) {
    const vfloat difference = load(x + i, width - i) * scale - load(y + i, width - i);
    total += difference * difference;
  }
  return sum(total);
}

// What one divides by to give a vector length 1, as packages/backend's unitRows does; shorter ones than 1e-12 stay short.
inline float unit_divisor(float squared) { return std::max(std::sqrt(squared), 1e-12f); }
inline float lack_of(float squared) { return squared > 1e-24f ? 0.f : 1.f - squared * 1e24f; }

// Finds the codes that may be nearest by products of precision P, whose error it allows for, and measures those anew.
template <class P>
void nearest_codes_by(const float* x, int64_t n, const float* codebook, int64_t count, int64_t width, bool cosine,
                      int32_t* codes, float* distances) {
  // How far two scores can be off, in units of the lengths of a product's factors. Sums: in practice the root of their width
  // times a float's rounding. bfloat16 rounds each factor by up to 2^-9.
  const float epsilon =
      1.2e-7f * (8.f + std::sqrt(static_cast<float>(width))) + (std::is_same<P, Float32>::value ? 0.f : 0x1.02p-7f);

  float* halves = scratch_of<float>(kKernel + 1, count + W);  // |e|^2 / 2, or with cosine what e's square lacks to 1
  float* units = nullptr;
  float longest = 0;
  if (cosine) {
    units = scratch_of<float>(kKernel + 2, count * width + W);
    longest = 1;
  }
  for (int64_t code = 0; code < count; code++) {
    const float* e = codebook + code * width;
    const float squared = squared_length(e, width);
    if (cosine) {
      const float divisor = unit_divisor(squared);
      for (int64_t i = 0; i < width; i++) units[code * width + i] = e[i] / divisor;
      halves[code] = lack_of(squared);
    } else {
      halves[code] = squared * 0.5f;
      longest = std::max(longest, std::sqrt(squared));
    }
  }
  if (cosine) codebook = units;
  float* best_scores = scratch_of<float>(kKernel + 3, n);
  std::fill(best_scores, best_scores + n, INFINITY);
  std::fill(distances, distances + n, INFINITY);
  std::fill(codes, codes + n, 0);

  const auto distance = [&](const float* row, float squared, int64_t code) {
    if (!cosine) return squared_difference(row, 1.f, codebook + code * width, width);
    // 1 - xy = (|x - y|^2 + (1 - |x|^2) + (1 - |y|^2)) / 2
    return 0.5f * (squared_difference(row, 1.f / unit_divisor(squared), codebook + code * width, width) + lack_of(squared) +
                   halves[code]);
  };

  blocked_products<P>(
      x, n, codebook, count, width,
      [&](int64_t row, int64_t rows, int64_t column, int64_t columns, float* products) {
        for (int64_t i = 0; i < rows; i++) {
          float* scores = products + i * kProductColumns;  // half the squared distance, less |x|^2 / 2; or -|x| cos
          vfloat least = splat(INFINITY);
          for (int64_t j = 0; j < columns; j += W) {
            const int64_t here = std::min<int64_t>(W, columns - j);
            const vfloat half = cosine ? vfloat{} : load(halves + column + j, here);
            vfloat score = half - load(scores + j);
            if (here < W) score = select(lanes() < static_cast<int32_t>(here), score, splat(INFINITY));
            store(scores + j, score);
            least = minimum(score, least);
          }
          const float* vector = x + (row + i) * width;
          const float squared = squared_length(vector, width), length = std::sqrt(squared);
          const float tolerance = epsilon * longest * (length + (cosine ? 0.f : 0.5f * longest));
          float& best_score = best_scores[row + i];
          best_score = std::min(best_score, -max_lane(-least));
          const float bound = best_score + tolerance;
          for (int64_t j = 0; j < columns; j += W)
            for (uint32_t near = lanes_of(load(scores + j) <= bound); near != 0; near &= near - 1) {
              const int64_t code = column + j + __builtin_ctz(near);
              const float found = distance(vector, squared, code);
              if (found < distances[row + i]) {
                distances[row + i] = found;
                codes[row + i] = static_cast<int32_t>(code);
              }
            }
        }
      });
  // Nothing is near a vector with a NaN.
  for (int64_t i = 0; i < n; i++)
    if (distances[i] == INFINITY) distances[i] = distance(x + i * width, squared_length(x + i * width, width), 0);
}

/// codes[i] = the nearest of `count` >= 1 codes to row i of x [n, width], the smaller of equally near ones;
/// distances[i] = |x - e|^2, or 1 - cos(x, e), which is 1 where either has length 0.
static void nearest_codes(const float* x, int64_t n, const float* codebook, int64_t count, int64_t width, bool cosine,
                          int32_t* codes, float* distances) {
#if defined(__AMX_BF16__)
  // Tile registers are so much faster that it pays to let them choose candidates.
  if (width >= 32 && count >= 64) return nearest_codes_by<BFloat16>(x, n, codebook, count, width, cosine, codes, distances);
#endif
  nearest_codes_by<Float32>(x, n, codebook, count, width, cosine, codes, distances);
}

/// vectors[i] = codebook[codes[i]], rest[i] = x[i] - vectors[i]; rows of `width`.
static void take_codes(const float* x, int64_t n, int64_t width, const float* codebook, const int32_t* codes, float* vectors,
                       float* rest) {
  parallel_for(n, grain_of(width), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++)
      for_each_vector(width, [&](int64_t j, auto lanes) {
        const vfloat taken = load(codebook + codes[i] * width + j, lanes);
        store(vectors + i * width + j, taken, lanes);
        store(rest + i * width + j, load(x + i * width + j, lanes) - taken, lanes);
      });
  });
}

inline void register_nearest_codes(const Exports& exports) {
  export_function<nearest_codes>(exports, "nearestCodes");
  export_function<take_codes>(exports, "takeCodes");
}
