inline void dropout_factors(uint32_t key0, uint32_t key1, uint64_t first_block, int64_t count, uint32_t threshold, float keep,
                            float* out) {
  for (int64_t i = 0; i < count; i += 8 * W) {
    vuint words[4];
    philox_blocks(key0, key1, first_block + i / 8, words);
    for (int64_t j = 0; j < std::min<int64_t>(8 * W, count - i); j++) {
      const uint32_t word = words[j % 8 / 2][j / 8];
      out[i + j] = (j % 2 ? word >> 16 : word & 0xffff) < threshold ? 0 : keep;
    }
  }
}
