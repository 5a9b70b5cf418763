// Dropout as packages/backend/src/ops/dropout.ts defines it: an element is dropped if its 16 bits of the random stream are below
// the threshold, and multiplied by `keep` if not; each block of the stream decides eight elements. Included inside `namespace ISA`.
typedef uint16_t vhalf __attribute__((vector_size(W * 2)));

// Elements per group of blocks that are made together.
constexpr int64_t kDropoutGroup = 8 * kPhiloxBlocks;

// The factors (0 or keep) of `count` elements from the first of block `first_block` on. A kernel that runs in rows, or in any
// order, makes just those that it needs; the backward pass makes them again instead of reading them from memory.
inline void dropout_factors(uint32_t key0, uint32_t key1, uint64_t first_block, int64_t count, uint32_t threshold, float keep,
                            float* out) {
  const vint least = splat_int(threshold);
  const vfloat kept = splat(keep);
  uint16_t random[kDropoutGroup];
  for (int64_t begin = 0; begin < count; begin += kDropoutGroup, first_block += kPhiloxBlocks) {
    uint32_t words[kDropoutGroup / 2];
    philox_blocks(key0, key1, first_block, words);
    std::memcpy(random, words, sizeof random);
    const int64_t left = count - begin;
    for (int64_t i = 0; i < kDropoutGroup && i < left; i += W) {
      vhalf bits;
      std::memcpy(&bits, random + i, sizeof bits);
      const vfloat factors = select(__builtin_convertvector(bits, vint) >= least, kept, splat(0.f));
      if (left - i >= W)
        store(out + begin + i, factors);
      else
        store(out + begin + i, factors, left - i);
    }
  }
}
