// out = x * factors, or residual + x * factors; the factors are made in the cache, piece by piece, and never stored.

// A piece of the factors that stays in the first-level cache.
constexpr int64_t kDropoutPiece = 1024;

template <bool Add>
static void apply_dropout(int64_t size, const float* residual, const float* x, uint32_t key0, uint32_t key1, uint32_t threshold,
                          float keep, float* out) {
  parallel_for(size, 16 * kDropoutPiece, [=](int64_t begin, int64_t end) {
    float factors[kDropoutPiece];
    for (; begin < end; begin += kDropoutPiece) {
      const int64_t count = std::min(kDropoutPiece + 0, end - begin);
      dropout_factors(key0, key1, begin / 8, count, threshold, keep, factors);
      for (int64_t i = 0; i < count; i += W) {
        const int64_t n = std::min<int64_t>(W, count - i), at = begin + i;
        vfloat y = load(x + at, n) * load(factors + i, n);
        if (Add) y = load(residual + at, n) + y;
        store(out + at, y, n);
      }
    }
  });
}

static void dropout(int64_t size, const float* x, uint32_t key0, uint32_t key1, uint32_t threshold, float keep, float* out) {
  apply_dropout<false>(size, nullptr, x, key0, key1, threshold, keep, out);
}

inline void register_dropout(const Exports& exports) {
  export_function<dropout>(exports, "dropout");
  export_function<apply_dropout<true>>(exports, "addDropout");
}
