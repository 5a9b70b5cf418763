// Philox4x32-10 for W counters at a time: the same stream as packages/random, so a mask is the same on every backend.
// Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", sec. 3.3. Included inside `namespace ISA`.
typedef uint32_t vuint __attribute__((vector_size(W * 4)));
typedef uint64_t vulong __attribute__((vector_size(W * 8)));

inline vuint splat_uint(uint32_t x) { return x - vuint{}; }

inline void multiply_wide(uint32_t factor, vuint x, vuint& high, vuint& low) {
  const vulong product = __builtin_convertvector(x, vulong) * (uint64_t)factor;
  high = __builtin_convertvector(product >> 32, vuint);
  low = x * factor;
}

// The blocks index .. index + W - 1 of the stream of a key: words[i] holds word i of each.
inline void philox_blocks(uint32_t key0, uint32_t key1, uint64_t index, vuint words[4]) {
  vulong counter;
  for (int i = 0; i < W; i++) counter[i] = index + i;
  vuint c0 = __builtin_convertvector(counter, vuint), c1 = __builtin_convertvector(counter >> 32, vuint);
  vuint c2{}, c3{};
  for (int round = 0; round < 10; round++) {
    vuint high0, low0, high1, low1;
    multiply_wide(0xd2511f53u, c0, high0, low0);
    multiply_wide(0xcd9e8d57u, c2, high1, low1);
    c0 = high1 ^ c1 ^ key0;
    c1 = low1;
    c2 = high0 ^ c3 ^ key1;
    c3 = low0;
    key0 += 0x9e3779b9u;
    key1 += 0xbb67ae85u;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

// Dropout as packages/backend/src/ops/dropout.ts defines it: element e is dropped if half-word e % 8 of block e / 8 is below
// the threshold. Factors for W elements from `first` (a multiple of 8 * W or any multiple of 8) are made block by block.
