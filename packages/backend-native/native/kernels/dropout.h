// out = x * factors; the factors are made in the cache, piece by piece, and never stored.

// A piece of the factors that stays in the first-level cache.
constexpr int64_t kDropoutPiece = 1024;

static void dropout(int64_t size, const float* x, uint32_t key0, uint32_t key1, uint32_t threshold, float keep, float* out) {
  parallel_for(size, 16 * kDropoutPiece, [=](int64_t begin, int64_t end) {
    float factors[kDropoutPiece];
    for (; begin < end; begin += kDropoutPiece) {
      const int64_t count = std::min(kDropoutPiece + 0, end - begin);
      dropout_factors(key0, key1, begin / 8, count, threshold, keep, factors);
      for_each_vector(count, [&](int64_t i, auto n) { store(out + begin + i, load(x + begin + i, n) * load(factors + i, n), n); });
    }
  });
}

inline void register_dropout(const Exports& exports) { export_function<dropout>(exports, "dropout"); }
