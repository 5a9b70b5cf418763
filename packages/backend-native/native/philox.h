// Philox4x32-10 for W / 2 counters at a time: the same stream as packages/random, so a mask is the same on every backend.
// Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", sec. 3.3. Included inside `namespace ISA`.
//
// A counter's words sit in the lower halves of 64-bit lanes, where the instruction sets multiply 32 x 32 to 64 bits; the upper
// halves hold leftovers that no product reads.
typedef uint64_t vulong __attribute__((vector_size(W * 4)));

inline vulong splat_ulong(uint64_t x) { return x - vulong{}; }

inline vulong multiply_low_halves(vulong a, vulong b) {
#if defined(__AVX512F__)
  return (vulong)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (vulong)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__x86_64__)
  return (vulong)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return (a & 0xffffffff) * (b & 0xffffffff);
#endif
}

constexpr int64_t kPhiloxBlocks = W / 2;

// 0, n, 1, n + 1 ... for n half the lanes.
inline vulong lanes_interleaved() {
  vulong v;
  for (int i = 0; i < W / 4; i++) {
    v[2 * i] = i;
    v[2 * i + 1] = W / 4 + i;
  }
  return v;
}

// The blocks index .. index + kPhiloxBlocks - 1 of the stream of a key, four words each, in the order of packages/random.
inline void philox_blocks(uint32_t key0, uint32_t key1, uint64_t index, void* words) {
  // Counted in the order that leaves the blocks sorted when the words are put together below.
  const vulong counter = splat_ulong(index) + lanes_interleaved();
  const vulong factor0 = splat_ulong(0xd2511f53), factor1 = splat_ulong(0xcd9e8d57);
  vulong c0 = counter, c1 = counter >> 32, c2{}, c3{};
  for (int round = 0; round < 10; round++) {
    const vulong product0 = multiply_low_halves(c0, factor0), product1 = multiply_low_halves(c2, factor1);
    c0 = (product1 >> 32) ^ c1 ^ splat_ulong(key0);
    c1 = product1;
    c2 = (product0 >> 32) ^ c3 ^ splat_ulong(key1);
    c3 = product0;
    key0 += 0x9e3779b9u;
    key1 += 0xbb67ae85u;
  }
  const vulong first = (c0 & 0xffffffff) | c1 << 32, second = (c2 & 0xffffffff) | c3 << 32;
#if defined(__AVX512F__)
  const vulong low = (vulong)_mm512_unpacklo_epi64((__m512i)first, (__m512i)second);
  const vulong high = (vulong)_mm512_unpackhi_epi64((__m512i)first, (__m512i)second);
#elif defined(__AVX2__)
  const vulong low = (vulong)_mm256_unpacklo_epi64((__m256i)first, (__m256i)second);
  const vulong high = (vulong)_mm256_unpackhi_epi64((__m256i)first, (__m256i)second);
#else
  const vulong low = {first[0], second[0]}, high = {first[1], second[1]};
#endif
  std::memcpy(words, &low, sizeof low);
  std::memcpy((char*)words + sizeof low, &high, sizeof high);
}
