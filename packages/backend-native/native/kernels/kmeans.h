// The two halves of k-means beside the assignment (nearest-codes.h): k-means++ seeding and the means of clusters. Both sum in
// double and in the order of packages/backend's loops, so that the draws and the means are those of every other backend.
constexpr int kDoubles = W / 2;  // in a vector as long as one of W floats
typedef double vdouble __attribute__((vector_size(kDoubles * 8)));
typedef float vfloats __attribute__((vector_size(kDoubles * 4)));

inline vdouble squared_step(const float* x, const double* y) {
  vfloats low;
  vdouble high;
  std::memcpy(&low, x, sizeof low);
  std::memcpy(&high, y, sizeof high);
  const vdouble difference = __builtin_convertvector(low, vdouble) - high;
  return difference * difference;
}

// |x - y|^2, or some number from `bound` on if that is what it is: a sum of squares only grows, so the rest need not be read.
inline double squared_distance(const float* x, const double* y, int64_t width, double bound) {
  double total = 0;
  for (int64_t j = 0; j < width && total < bound;) {
    vdouble parts[4] = {};
    const int64_t stop = std::min<int64_t>(width, j + 16 * kDoubles);
    for (; j + 4 * kDoubles <= stop; j += 4 * kDoubles)
      for (int p = 0; p < 4; p++) parts[p] += squared_step(x + j + p * kDoubles, y + j + p * kDoubles);
    for (; j + kDoubles <= stop; j += kDoubles) parts[0] += squared_step(x + j, y + j);
    const vdouble part = (parts[0] + parts[1]) + (parts[2] + parts[3]);
    for (int lane = 0; lane < kDoubles; lane++) total += part[lane];
    if (stop == width)
      for (; j < width; j++) total += (x[j] - y[j]) * (x[j] - y[j]);
  }
  return total;
}

// W bytes as floats.
inline vfloat load_bytes(const int8_t* p) {
#if defined(__AVX512F__)
  return (vfloat)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)p)));
#elif defined(__AVX2__)
  return (vfloat)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)p)));
#else
  vfloat v;
  for (int i = 0; i < W; i++) v[i] = p[i];
  return v;
#endif
}

// Points in eight bits, a quarter of the memory: x is scale * bytes to within `error` (Euclidean). Most are so much nearer
// to an earlier seed than to a new one that this tells.
struct Sketch {
  int64_t width;  // in bytes, padded to a multiple of W
  std::vector<int8_t> bytes;
  std::vector<float> scales, errors;

  Sketch(const float* points, int64_t n, int64_t columns)
      : width((columns + W - 1) / W * W), bytes(n * width), scales(n), errors(n) {
    parallel_for(n, grain_of(columns), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const float* x = points + i * columns;
        float most = 0;
        for (int64_t j = 0; j < columns; j++) most = std::max(most, std::fabs(x[j]));
        const float scale = most / 127.f, inverse = most > 0 ? 127.f / most : 0.f;
        double squared = 0, rest = 0;
        for (int64_t j = 0; j < columns; j++) {
          const int8_t byte = static_cast<int8_t>(std::lrint(std::min(std::max(x[j] * inverse, -127.f), 127.f)));
          bytes[i * width + j] = byte;
          const double missed = x[j] - static_cast<double>(scale) * byte;
          rest += missed * missed;
          squared += static_cast<double>(x[j]) * x[j];
        }
        scales[i] = scale;
        errors[i] = static_cast<float>(std::sqrt(rest) * 1.00001 + std::sqrt(squared) * 1e-5);
      }
    });
  }

  // No point i is nearer to y [width] than this.
  double least_distance(int64_t i, const float* y) const {
    vfloat parts[4] = {};
    const int8_t* p = bytes.data() + i * width;
    int64_t j = 0;
    for (; j + 4 * W <= width; j += 4 * W)
      for (int part = 0; part < 4; part++) {
        const vfloat difference = load_bytes(p + j + part * W) * scales[i] - load(y + j + part * W);
        parts[part] += difference * difference;
      }
    for (; j < width; j += W) {
      const vfloat difference = load_bytes(p + j) * scales[i] - load(y + j);
      parts[0] += difference * difference;
    }
    return std::sqrt(sum((parts[0] + parts[1]) + (parts[2] + parts[3]))) * 0.99999 - errors[i];
  }
};

/// rows[0] = first; each further row is drawn with probability proportional to its squared distance from those before it, by
/// uniforms[0 .. clusters - 2] in [0, 1). Arthur & Vassilvitskii 2007. Any row where all distances are 0.
static void kmeans_plus_plus(const float* points, int64_t n, int64_t width, int64_t clusters, int64_t first,
                             const double* uniforms, int32_t* rows) {
  const Sketch sketch(points, n, width);
  std::vector<double> squared(n, INFINITY), seed(width);
  std::vector<float> seed_floats(sketch.width);
  int64_t chosen = first;
  for (int64_t cluster = 0; cluster < clusters; cluster++) {
    rows[cluster] = static_cast<int32_t>(chosen);
    if (cluster == clusters - 1) break;
    std::copy_n(points + chosen * width, width, seed.begin());
    std::copy_n(points + chosen * width, width, seed_floats.begin());
    parallel_for(n, 4 * grain_of(width), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        if (cluster > 0) {
          const double least = sketch.least_distance(i, seed_floats.data());
          if (least > 0 && least * least > squared[i]) continue;
        }
        squared[i] = std::min(squared[i], squared_distance(points + i * width, seed.data(), width, squared[i]));
      }
    });
    double mass = 0;
    for (int64_t i = 0; i < n; i++) mass += squared[i];
    if (mass == 0) {
      chosen = std::min<int64_t>(n - 1, static_cast<int64_t>(uniforms[cluster] * n));
      continue;
    }
    const double threshold = mass * uniforms[cluster];
    double passed = 0;
    chosen = 0;
    for (int64_t i = 0; i < n && passed <= threshold; i++) {
      if (squared[i] == 0) continue;
      passed += squared[i];
      chosen = i;
    }
  }
}

/// means[c] = the mean of the points with code c, or centroids[c] where there are none.
static void cluster_means(const float* points, const int32_t* codes, int64_t n, int64_t width, int64_t clusters,
                          const float* centroids, float* means) {
  // Points by cluster, in ascending order: a counting sort. Codes outside [0, clusters) belong nowhere.
  int32_t* starts = scratch_of<int32_t>(kKernel, clusters + 1);
  int32_t* members = scratch_of<int32_t>(kKernel + 1, n);
  std::fill(starts, starts + clusters + 1, 0);
  const auto is_code = [&](int32_t code) { return code >= 0 && code < clusters; };
  for (int64_t i = 0; i < n; i++)
    if (is_code(codes[i])) starts[codes[i] + 1]++;
  for (int64_t c = 0; c < clusters; c++) starts[c + 1] += starts[c];
  for (int64_t i = 0; i < n; i++)
    if (is_code(codes[i])) members[starts[codes[i]]++] = static_cast<int32_t>(i);
  // Each start has moved on to its cluster's end.
  parallel_for(clusters, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; c++) {
      const int64_t from = c == 0 ? 0 : starts[c - 1], to = starts[c];
      if (from == to) {
        std::memcpy(means + c * width, centroids + c * width, width * sizeof(float));
        continue;
      }
      double* sums = scratch_of<double>(kKernel + 2, width);
      std::fill(sums, sums + width, 0.);
      for (int64_t member = from; member < to; member++) {
        const float* point = points + members[member] * width;
        for (int64_t j = 0; j < width; j++) sums[j] += point[j];
      }
      const double count = static_cast<double>(to - from);
      for (int64_t j = 0; j < width; j++) means[c * width + j] = static_cast<float>(sums[j] / count);
    }
  });
}

inline void register_kmeans(const Exports& exports) {
  export_function<kmeans_plus_plus>(exports, "kmeansPlusPlus");
  export_function<cluster_means>(exports, "clusterMeans");
}
