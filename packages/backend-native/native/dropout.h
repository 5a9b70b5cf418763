// Dropout as packages/backend/src/ops/dropout.ts defines it: an element is dropped if its 16 bits of the random stream are
// below the threshold and multiplied by `keep` if not. A block of the stream decides eight elements.
// Included inside `namespace ISA`.
typedef uint16_t vhalf __attribute__((vector_size(W * 4)));

// Elements per group of blocks that are made together.
constexpr int64_t kDropoutGroup = 8 * kPhiloxBlocks;

// The factors of 2 W elements: `keep` where the half-word is above `below`, the threshold less one.
inline void factors_of(vhalf random, uint16_t below, float keep, vfloat& first, vfloat& second) {
#if defined(__AVX512F__)
  const __mmask32 kept = _mm512_cmpgt_epu16_mask((__m512i)random, _mm512_set1_epi16(below));
  first = (vfloat)_mm512_maskz_mov_ps((__mmask16)kept, _mm512_set1_ps(keep));
  second = (vfloat)_mm512_maskz_mov_ps((__mmask16)(kept >> 16), _mm512_set1_ps(keep));
#elif defined(__AVX2__)
  const __m256i kept = (__m256i)(random > below);  // all bits of a half-word set, or none
  first = (vfloat)_mm256_and_ps((__m256)_mm256_cvtepi16_epi32(_mm256_castsi256_si128(kept)), _mm256_set1_ps(keep));
  second = (vfloat)_mm256_and_ps((__m256)_mm256_cvtepi16_epi32(_mm256_extracti128_si256(kept, 1)), _mm256_set1_ps(keep));
#else
  for (int i = 0; i < W; i++) {
    first[i] = random[i] > below ? keep : 0.f;
    second[i] = random[W + i] > below ? keep : 0.f;
  }
#endif
}

// A bit for each of 2 W elements that is kept.
inline uint32_t kept_bits(vhalf random, uint16_t below) {
#if defined(__AVX512F__)
  return _mm512_cmpgt_epu16_mask((__m512i)random, _mm512_set1_epi16(below));
#else
  uint32_t bits = 0;
  for (int i = 0; i < 2 * W; i++) bits |= uint32_t{random[i] > below} << i;
  return bits;
#endif
}

// The factors (0 or keep) of `count` elements from the first of block `first_block` on. A kernel that runs in rows, or in any
// order, makes just those that it needs; the backward pass makes them again instead of reading them from memory.
inline void dropout_factors(uint32_t key0, uint32_t key1, uint64_t first_block, int64_t count, uint32_t threshold, float keep,
                            float* out) {
  if (threshold == 0) {
    std::fill(out, out + count, keep);
    return;
  }
  for (int64_t begin = 0; begin < count; begin += kDropoutGroup, first_block += kPhiloxBlocks) {
    vhalf random[2];
    philox_blocks(key0, key1, first_block, random);
    vfloat factors[4];
    factors_of(random[0], threshold - 1, keep, factors[0], factors[1]);
    factors_of(random[1], threshold - 1, keep, factors[2], factors[3]);
    float* group = out + begin;
    const int64_t left = count - begin;
    if (left >= kDropoutGroup)
      for (int i = 0; i < 4; i++) store(group + i * W, factors[i]);
    else
      for (int i = 0; i * W < left; i++) store(group + i * W, factors[i], std::min<int64_t>(W, left - i * W));
  }
}

// Bits of `count` elements from the first of block `first_block` on, set for those kept; written in groups, so `bits` has room for
// kDropoutGroup more.
inline void dropout_bits(uint32_t key0, uint32_t key1, uint64_t first_block, int64_t count, uint32_t threshold, uint8_t* bits) {
  if (threshold == 0) {
    std::memset(bits, 0xff, (count + 7) / 8);
    return;
  }
  for (int64_t begin = 0; begin < count; begin += kDropoutGroup, first_block += kPhiloxBlocks, bits += kDropoutGroup / 8) {
    vhalf random[2];
    philox_blocks(key0, key1, first_block, random);
    for (int i = 0; i < 2; i++) {
      const uint32_t kept = kept_bits(random[i], threshold - 1);
      std::memcpy(bits + i * W / 4, &kept, W / 4);
    }
  }
}

// Dropout of a matrix by the numbers of its elements.
struct ElementDropout {
  uint32_t threshold;
  float keep;
  uint32_t key0, key1;

  // Factors of the elements first .. first + count - 1, none when nothing is dropped; `room` holds 8 more.
  const float* factors(int64_t first, int64_t count, float* room) const {
    if (threshold == 0) return nullptr;
    const int64_t skip = first % 8;
    dropout_factors(key0, key1, (uint64_t)(first / 8), count + skip, threshold, keep, room);
    return room + skip;
  }

  // Bits of the elements first .. first + count - 1, set for those kept; `bits` has room for kDropoutGroup + 8 more.
  void bits(int64_t first, int64_t count, uint8_t* bits) const {
    const int skip = first % 8;
    dropout_bits(key0, key1, (uint64_t)(first / 8), count + skip, threshold, bits);
    for (int64_t i = 0; skip > 0 && i < (count + 7) / 8; i++) bits[i] = (uint8_t)(bits[i] >> skip | bits[i + 1] << (8 - skip));
  }
};
