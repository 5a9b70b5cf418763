// Matrix products: C = op(A) op(B), in float32, or with inputs rounded to one bfloat16 or to the sum of two, and sums in float32.
//
// Goto & van de Geijn 2008: B is packed into panels of kColumns columns, A block by block into panels of kRows rows, and a
// micro-kernel keeps one kRows x kColumns tile of C in registers (AMX: in tile registers) while it runs along K.
// K is cut into the same blocks whatever the number of threads, so neither threads nor tiles change a sum's order.

// A row-major matrix, seen as is or transposed.
struct Matrix {
  const float* data;
  int64_t stride;  // between the rows as they lie in memory
  bool transposed;
};

enum Activation { kNone = 0, kRelu = 1, kGelu = 2 };

// What happens to a finished element: activation(scale * sum + bias[column]) + residual[row, column].
struct Epilogue {
  float scale = 1;
  const float* bias = nullptr;
  int activation = kNone;
  const float* residual = nullptr;  // with C's stride
  bool accumulate = false;          // adds to what C holds
};

inline float round_to_bfloat16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  if ((bits & 0x7fffffff) > 0x7f800000) return x;
  bits = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000u;
  std::memcpy(&x, &bits, 4);
  return x;
}

// GELU as erf defines it is costly; this is the tanh form of Hendrycks & Gimpel 2016, eq. in sec. 2.
inline vfloat gelu(vfloat x) {
  vfloat inner = (x + x * x * x * 0.044715f) * 0.7978845608f;
  return x - x / (exponential(inner * 2.f) + 1.f);
}

// Writes rows x columns of a tile of sums (stride `tile_stride`) into C at (row, column).
inline void finish_tile(const float* tile, int64_t tile_stride, int64_t rows, int64_t columns, float* c, int64_t ldc,
                        const Epilogue& e, int64_t column, bool accumulate, bool last) {
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < columns; j += W) {
      const int64_t n = std::min<int64_t>(W, columns - j);
      float* out = c + i * ldc + j;
      vfloat v = load(tile + i * tile_stride + j, n);
      if (accumulate) v = v + load(out, n);
      if (last) {
        v = v * e.scale;
        if (e.bias) v = v + load(e.bias + column + j, n);
        if (e.activation == kRelu) v = maximum(splat(0.f), v);  // NaN stays
        if (e.activation == kGelu) v = gelu(v);
        if (e.residual) v = v + load(e.residual + (out - c), n);
      }
      store(out, v, n);
    }
  }
}

// ---- float32 --------------------------------------------------------------------------------------------------------------

struct Float32 {
  static constexpr int64_t kRows = W == 16 ? 12 : 6, kColumns = 2 * W, kBlockK = 512, kBlockRows = W == 16 ? 192 : 72;
  typedef float Packed;
  static int64_t padded(int64_t k) { return k; }

  template <bool Round>
  static float rounded(float x) {
    return Round ? round_to_bfloat16(x) : x;
  }

  // packed[k][i] = line i of the matrix at k, for `Lines` lines of which `count` exist: rows of op(A), columns of op(B).
  // `along` says that a line lies contiguous in memory, line i at data + i * stride; else element k of all lines does.
  template <bool Round, int64_t Lines>
  static void pack_lines(const float* data, int64_t stride, bool along, int64_t count, int64_t depth, float* packed) {
    if (count < Lines) std::fill(packed, packed + Lines * depth, 0.f);
    if (along) {
      for (int64_t i = 0; i < count; i++)
        for (int64_t k = 0; k < depth; k++) packed[k * Lines + i] = rounded<Round>(data[i * stride + k]);
    } else if (count == Lines) {
      for (int64_t k = 0; k < depth; k++)
        for (int64_t i = 0; i < Lines; i++) packed[k * Lines + i] = rounded<Round>(data[k * stride + i]);
    } else {
      for (int64_t k = 0; k < depth; k++)
        for (int64_t i = 0; i < count; i++) packed[k * Lines + i] = rounded<Round>(data[k * stride + i]);
    }
  }
  template <bool Round>
  static void pack_rows_as(const Matrix& a, int64_t row, int64_t rows, int64_t k0, int64_t depth, float* packed) {
    const float* data = a.transposed ? a.data + k0 * a.stride + row : a.data + row * a.stride + k0;
    pack_lines<Round, kRows>(data, a.stride, !a.transposed, rows, depth, packed);
  }
  template <bool Round>
  static void pack_columns_as(const Matrix& b, int64_t column, int64_t columns, int64_t k0, int64_t depth, float* packed) {
    const float* data = b.transposed ? b.data + column * b.stride + k0 : b.data + k0 * b.stride + column;
    pack_lines<Round, kColumns>(data, b.stride, b.transposed, columns, depth, packed);
  }
  static void pack_rows(const Matrix& a, int64_t row, int64_t rows, int64_t k0, int64_t depth, Packed* packed) {
    pack_rows_as<false>(a, row, rows, k0, depth, packed);
  }
  static void pack_columns(const Matrix& b, int64_t column, int64_t columns, int64_t k0, int64_t depth, Packed* packed) {
    pack_columns_as<false>(b, column, columns, k0, depth, packed);
  }

  // tile (stride `ldc`) = or += packed A panel times packed B panel.
  static void multiply(const float* a, const float* b, int64_t depth, float* tile, int64_t ldc, bool accumulate) {
    vfloat sums[kRows][2] = {};
    if (accumulate) {
#pragma GCC unroll 12
      for (int64_t r = 0; r < kRows; r++) {
        sums[r][0] = load(tile + r * ldc);
        sums[r][1] = load(tile + r * ldc + W);
      }
    }
    for (int64_t k = 0; k < depth; k++) {
      const vfloat b0 = load(b + k * kColumns), b1 = load(b + k * kColumns + W);
#pragma GCC unroll 12
      for (int64_t r = 0; r < kRows; r++) {
        sums[r][0] += a[k * kRows + r] * b0;
        sums[r][1] += a[k * kRows + r] * b1;
      }
    }
#pragma GCC unroll 12
    for (int64_t r = 0; r < kRows; r++) {
      store(tile + r * ldc, sums[r][0]);
      store(tile + r * ldc + W, sums[r][1]);
    }
  }
  // What a thread needs to hold while it multiplies: nothing.
  struct Registers {
    Registers() {}
  };
};

// ---- bfloat16 -------------------------------------------------------------------------------------------------------------

#if defined(__AMX_BF16__)
inline __m512i pair_of(__m512 low, __m512 high) {
  const __m512i l = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(low));
  const __m512i h = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(high));
  return _mm512_or_si512(l, _mm512_slli_epi32(h, 16));
}

// 16 x 16 transpose of 32-bit lanes.
inline void transpose16(__m512i r[16]) {
  __m512i t[16];
  for (int i = 0; i < 8; i++) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; i++) {
    r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; i++) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

inline __mmask16 first_lanes(int64_t n) { return n >= 16 ? 0xffff : n <= 0 ? 0 : (__mmask16)((1u << n) - 1); }

// The tile registers: each product reads 16 rows of 32 numbers of A and 16 pairs of rows of 16 columns of B.
struct BFloat16 {
  static constexpr int64_t kRows = 32, kColumns = 32, kBlockK = 2048, kBlockRows = 128;
  typedef uint16_t Packed;
  static int64_t padded(int64_t k) { return (k + 31) / 32 * 32; }

  // packed[k / 32][half][16][32]: for each 32 of K two tiles of A.
  static void pack_rows(const Matrix& a, int64_t row, int64_t rows, int64_t k0, int64_t depth, Packed* packed) {
    pack_rows_of(a, row, rows, k0, depth, packed, 1024, [](__m512 x) { return x; });
  }

  // packed[k / 32][half][16 pairs][16 columns][2]: for each 32 of K two tiles of B.
  static void pack_columns(const Matrix& b, int64_t column, int64_t columns, int64_t k0, int64_t depth, Packed* packed) {
    pack_columns_of(b, column, columns, k0, depth, packed, 1024, [](__m512 x) { return x; });
  }

  // tile (stride `ldc`) = or += packed A panel times packed B panel.
  static void multiply(const Packed* a, const Packed* b, int64_t depth, float* tile, int64_t ldc, bool accumulate) {
    begin_tile(tile, ldc, accumulate);
    for (int64_t k = 0; k < depth; k += 32, a += 1024, b += 1024) {
      _tile_loadd(4, a, 64);
      _tile_loadd(6, b, 64);
      _tile_dpbf16ps(0, 4, 6);
      _tile_loadd(7, b + 512, 64);
      _tile_dpbf16ps(1, 4, 7);
      _tile_loadd(5, a + 512, 64);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
    end_tile(tile, ldc);
  }

  // The thread's tile registers, to be held while it multiplies: eight tiles of 16 rows of 64 bytes.
  struct Registers {
    Registers() {
      struct alignas(64) Config {
        uint8_t palette = 1, start_row = 0, reserved[14] = {};
        uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
        uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
      };
      // Static: GCC's _tile_loadconfig says that it reads eight bytes only, so the rest of a local one may never be written.
      static const Config config;
      _tile_loadconfig(&config);
    }
    ~Registers() { _tile_release(); }
  };

 protected:
  // The tile registers 0 to 3 hold a tile of C while it grows.
  static void begin_tile(const float* tile, int64_t ldc, bool accumulate) {
    const float* below = tile + 16 * ldc;
    if (accumulate) {
      _tile_loadd(0, tile, ldc * 4);
      _tile_loadd(1, tile + 16, ldc * 4);
      _tile_loadd(2, below, ldc * 4);
      _tile_loadd(3, below + 16, ldc * 4);
    } else {
      _tile_zero(0);
      _tile_zero(1);
      _tile_zero(2);
      _tile_zero(3);
    }
  }
  static void end_tile(float* tile, int64_t ldc) {
    float* below = tile + 16 * ldc;
    _tile_stored(0, tile, ldc * 4);
    _tile_stored(1, tile + 16, ldc * 4);
    _tile_stored(2, below, ldc * 4);
    _tile_stored(3, below + 16, ldc * 4);
  }

  // Packs what `part` makes of each number; the tiles of the next 32 of K lie `step` further on.
  template <class Part>
  static void pack_rows_of(const Matrix& a, int64_t row, int64_t rows, int64_t k0, int64_t depth, Packed* packed, int64_t step, Part part) {
    for (int64_t k = 0; k < depth; k += 32, packed += step)
      for (int64_t half = 0; half < 2; half++) {
        const int64_t first = row + half * 16, count = std::min<int64_t>(16, rows - half * 16);
        __m512i lines[16];
        if (a.transposed) {
          const __mmask16 mask = first_lanes(count);
          for (int64_t j = 0; j < 16; j++) {
            const int64_t at = k + 2 * j;
            const float* low = a.data + (k0 + at) * a.stride + first;
            const __m512 l = _mm512_maskz_loadu_ps(at < depth ? mask : 0, low);
            const __m512 h = _mm512_maskz_loadu_ps(at + 1 < depth ? mask : 0, low + a.stride);
            lines[j] = pair_of(part(l), part(h));
          }
          transpose16(lines);
        } else {
          for (int64_t r = 0; r < 16; r++) lines[r] = r < count ? line_of(a.data + (first + r) * a.stride + k0 + k, depth - k, part) : _mm512_setzero_si512();
        }
        for (int64_t r = 0; r < 16; r++) _mm512_storeu_si512(packed + half * 512 + r * 32, lines[r]);
      }
  }

  template <class Part>
  static void pack_columns_of(const Matrix& b, int64_t column, int64_t columns, int64_t k0, int64_t depth, Packed* packed, int64_t step,
                              Part part) {
    for (int64_t k = 0; k < depth; k += 32, packed += step)
      for (int64_t half = 0; half < 2; half++) {
        const int64_t first = column + half * 16, count = std::min<int64_t>(16, columns - half * 16);
        __m512i lines[16];
        if (b.transposed) {
          for (int64_t n = 0; n < 16; n++) lines[n] = n < count ? line_of(b.data + (first + n) * b.stride + k0 + k, depth - k, part) : _mm512_setzero_si512();
          transpose16(lines);
        } else {
          const __mmask16 mask = first_lanes(count);
          for (int64_t j = 0; j < 16; j++) {
            const int64_t at = k + 2 * j;
            const float* low = b.data + (k0 + at) * b.stride + first;
            const __m512 l = _mm512_maskz_loadu_ps(at < depth ? mask : 0, low);
            const __m512 h = _mm512_maskz_loadu_ps(at + 1 < depth ? mask : 0, low + b.stride);
            lines[j] = pair_of(part(l), part(h));
          }
        }
        for (int64_t j = 0; j < 16; j++) _mm512_storeu_si512(packed + half * 512 + j * 32, lines[j]);
      }
  }

  // 32 floats in a row (zero from `left` on) as bfloat16.
  template <class Part>
  static __m512i line_of(const float* p, int64_t left, Part part) {
    const __m512 low = _mm512_maskz_loadu_ps(first_lanes(left), p);
    const __m512 high = _mm512_maskz_loadu_ps(first_lanes(left - 16), p + 16);
    return (__m512i)_mm512_cvtne2ps_pbh(part(high), part(low));
  }
};

// Each number as the sum of two bfloat16, high and low, which leaves 2^-16 of it out; a product is then high high + high low +
// low high. Henry, Tang & Heinecke 2019, "Leveraging the bfloat16 artificial intelligence datatype for higher-precision
// computations", sec. II. An infinite input makes a NaN.
struct BFloat16x3 : BFloat16 {
  static constexpr int64_t kBlockK = 1024, kBlockRows = 64;
  typedef uint32_t Packed;  // as large as the two

  // For each 32 of K the tiles that BFloat16 packs, and then those of what its rounding leaves.
  static void pack_rows(const Matrix& a, int64_t row, int64_t rows, int64_t k0, int64_t depth, Packed* packed) {
    pack_rows_of(a, row, rows, k0, depth, halves(packed), 2048, [](__m512 x) { return x; });
    pack_rows_of(a, row, rows, k0, depth, halves(packed) + 1024, 2048, remainder);
  }
  static void pack_columns(const Matrix& b, int64_t column, int64_t columns, int64_t k0, int64_t depth, Packed* packed) {
    pack_columns_of(b, column, columns, k0, depth, halves(packed), 2048, [](__m512 x) { return x; });
    pack_columns_of(b, column, columns, k0, depth, halves(packed) + 1024, 2048, remainder);
  }

  static void multiply(const Packed* packed_a, const Packed* packed_b, int64_t depth, float* tile, int64_t ldc, bool accumulate) {
    const auto *a = reinterpret_cast<const uint16_t*>(packed_a), *b = reinterpret_cast<const uint16_t*>(packed_b);
    begin_tile(tile, ldc, accumulate);
    for (int64_t k = 0; k < depth; k += 32, a += 2048, b += 2048) {
      // high low, high high, low high: each step loads two tiles.
      _tile_loadd(4, a, 64);
      _tile_loadd(6, b + 1024, 64);
      _tile_dpbf16ps(0, 4, 6);
      _tile_loadd(7, b + 1536, 64);
      _tile_dpbf16ps(1, 4, 7);
      _tile_loadd(5, a + 512, 64);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
      _tile_loadd(6, b, 64);
      _tile_dpbf16ps(0, 4, 6);
      _tile_loadd(7, b + 512, 64);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
      _tile_loadd(4, a + 1024, 64);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      _tile_loadd(5, a + 1536, 64);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
    end_tile(tile, ldc);
  }

 private:
  static uint16_t* halves(Packed* packed) { return reinterpret_cast<uint16_t*>(packed); }

  // What rounding to bfloat16 leaves; exact.
  static __m512 remainder(__m512 x) {
    const __m512i rounded = _mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(x)), 16);
    return _mm512_sub_ps(x, (__m512)rounded);
  }
};
#else
// Without tile registers: inputs rounded while they are packed, products in float32.
struct BFloat16 : Float32 {
  static void pack_rows(const Matrix& a, int64_t row, int64_t rows, int64_t k0, int64_t depth, Packed* packed) {
    pack_rows_as<true>(a, row, rows, k0, depth, packed);
  }
  static void pack_columns(const Matrix& b, int64_t column, int64_t columns, int64_t k0, int64_t depth, Packed* packed) {
    pack_columns_as<true>(b, column, columns, k0, depth, packed);
  }
};
typedef Float32 BFloat16x3;
#endif

// As packages/backend/src/precision.ts names them.
enum Precision { kFloat32 = 0, kBFloat16 = 1, kBFloat16x3 = 2 };

// Calls f with the way to multiply.
template <class F>
void with_precision(int precision, F&& f) {
  if (precision == kBFloat16)
    f(BFloat16{});
  else if (precision == kBFloat16x3)
    f(BFloat16x3{});
  else
    f(Float32{});
}

// ---- the loops around -----------------------------------------------------------------------------------------------------

enum Scratch { kPackedA = 0, kPackedB = 1, kPackedRows = 2, kKernel = 3 };  // kKernel and above are free for other kernels

// How many elements the rows k0 .. k0 + depth - 1 of a B of n columns take when packed.
template <class P>
int64_t packed_size(int64_t n, int64_t depth) {
  return (n + P::kColumns - 1) / P::kColumns * P::kColumns * P::padded(depth);
}

// Depth of what is packed at a time where the lines of a factor lie across memory: its rows are then read from end to end.
constexpr int64_t kPackDepth = 32;

// Packs these rows of op(B), on all threads.
template <class P>
void pack(const Matrix& b, int64_t n, int64_t k0, int64_t depth, typename P::Packed* packed) {
  const int64_t panels = (n + P::kColumns - 1) / P::kColumns, padded = P::padded(depth);
  const auto pack_panel = [&](int64_t panel, int64_t k, int64_t here) {
    const int64_t column = panel * P::kColumns;
    P::pack_columns(b, column, std::min(P::kColumns + 0, n - column), k0 + k, here, packed + column * padded + k * P::kColumns);
  };
  if (b.transposed)
    parallel_for(panels, std::max<int64_t>(1, 16384 / (padded * P::kColumns + 1)), [&](int64_t begin, int64_t end) {
      for (int64_t panel = begin; panel < end; panel++) pack_panel(panel, 0, depth);
    });
  else
    parallel_for(depth, kPackDepth * std::max<int64_t>(1, 16384 / (n * kPackDepth)), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; k += kPackDepth)
        for (int64_t panel = 0; panel < panels; panel++) pack_panel(panel, k, std::min(kPackDepth + 0, end - k));
    });
}

// How many rows of a packed A a sweep over B's panels serves. A few if the first-level cache holds them: B streams by, and C is
// written along few rows. Else as many as a block of A has: each panel of B then serves them before the next one comes.
template <class P>
int64_t rows_of_sweep(int64_t padded_depth) {
  constexpr int64_t few = (24 + P::kRows - 1) / P::kRows * P::kRows, cache = 24576;
  return few * padded_depth * static_cast<int64_t>(sizeof(typename P::Packed)) <= cache ? few : P::kBlockRows;
}

// C [rows, n] = or += a packed A [rows, depth] times the panels panel0 .. panel1 - 1 of a packed B [depth, n]. c points at row 0 and
// column 0. Of a sum over several blocks of K the last one applies the epilogue. The thread holds P::Registers.
template <class P>
void multiply_panels(const typename P::Packed* packed_a, int64_t rows, const typename P::Packed* packed_b, int64_t panel0,
                     int64_t panel1, int64_t n, int64_t depth, float* c, int64_t ldc, Epilogue epilogue = {}, bool last = true) {
  const int64_t padded = P::padded(depth);
  const float* residual = epilogue.residual;
  // Whole tiles of plain sums go straight to C.
  const bool plain = !last || (epilogue.scale == 1 && !epilogue.bias && epilogue.activation == kNone && !residual);
  alignas(64) float tile[P::kRows * P::kColumns];
  const int64_t block = rows_of_sweep<P>(padded);
  for (int64_t row0 = 0; row0 < rows; row0 += block)
    for (int64_t panel = panel0; panel < panel1; panel++) {
      const int64_t column = panel * P::kColumns, columns = std::min(P::kColumns + 0, n - column);
      for (int64_t r = row0; r < std::min(rows, row0 + block); r += P::kRows) {
        const int64_t here = std::min(P::kRows + 0, rows - r);
        float* out = c + r * ldc + column;
        if (plain && here == P::kRows && columns == P::kColumns) {
          P::multiply(packed_a + r * padded, packed_b + column * padded, depth, out, ldc, epilogue.accumulate);
          continue;
        }
        P::multiply(packed_a + r * padded, packed_b + column * padded, depth, tile, P::kColumns, false);
        if (residual) epilogue.residual = residual + r * ldc + column;
        finish_tile(tile, P::kColumns, here, columns, out, ldc, epilogue, column, epilogue.accumulate, last);
      }
    }
}

// Packs the rows row0 .. row0 + rows - 1 of op(A), at k0 .. k0 + depth - 1, on this thread, into panels that are `panel_depth` deep.
template <class P>
void pack_row_panels(const Matrix& a, int64_t row0, int64_t rows, int64_t k0, int64_t depth, typename P::Packed* packed,
                     int64_t panel_depth) {
  const int64_t step = a.transposed ? kPackDepth : std::max<int64_t>(1, depth);
  for (int64_t k = 0; k < depth; k += step)
    for (int64_t r = 0; r < rows; r += P::kRows)
      P::pack_rows(a, row0 + r, std::min(P::kRows + 0, rows - r), k0 + k, std::min(step, depth - k),
                   packed + r * panel_depth + k * P::kRows);
}

// Packs op(B) [depth, n] on this thread, into panels that are `panel_depth` deep.
template <class P>
void pack_column_panels(const Matrix& b, int64_t n, int64_t depth, typename P::Packed* packed, int64_t panel_depth) {
  for (int64_t j = 0; j < n; j += P::kColumns)
    P::pack_columns(b, j, std::min(P::kColumns + 0, n - j), 0, depth, packed + j * panel_depth);
}

template <class P>
void multiply_matrices(const Matrix& a, const Matrix& b, int64_t m, int64_t n, int64_t k, float* c, int64_t ldc,
                       const Epilogue& epilogue) {
  const int64_t panels = (n + P::kColumns - 1) / P::kColumns;
  const int64_t row_blocks = (m + P::kBlockRows - 1) / P::kBlockRows;
  // Wide products of few rows are cut along the columns too, so that there is work for all threads.
  const int64_t column_blocks = std::min<int64_t>(panels, row_blocks >= 8 ? 1 : (8 + row_blocks - 1) / row_blocks);
  const int64_t panels_per_block = (panels + column_blocks - 1) / column_blocks;

  for (int64_t k0 = 0; k0 == 0 || k0 < k; k0 += P::kBlockK) {
    const int64_t depth = std::min<int64_t>(P::kBlockK, k - k0);
    const bool last = k0 + P::kBlockK >= k;
    typename P::Packed* packed_b = scratch_of<typename P::Packed>(kPackedB, packed_size<P>(n, depth) + 64);
    pack<P>(b, n, k0, depth, packed_b);
    // Rows that several tasks share are packed once.
    typename P::Packed* packed_rows = nullptr;
    const int64_t padded = P::padded(depth);
    if (column_blocks > 1) {
      packed_rows = scratch_of<typename P::Packed>(kPackedRows, (m + P::kRows) * padded + 64);
      if (a.transposed)
        parallel_for(depth, kPackDepth, [&](int64_t begin, int64_t end) {
          pack_row_panels<P>(a, 0, m, k0 + begin, end - begin, packed_rows + begin * P::kRows, padded);
        });
      else
        parallel_for(m, P::kRows, [&](int64_t begin, int64_t end) {
          pack_row_panels<P>(a, begin, end - begin, k0, depth, packed_rows + begin * padded, padded);
        });
    }
    parallel_for(row_blocks * column_blocks, 1, [&](int64_t begin, int64_t end) {
      const typename P::Registers registers;
      for (int64_t task = begin; task < end; task++) {
        const int64_t row0 = task / column_blocks * P::kBlockRows, rows = std::min<int64_t>(P::kBlockRows, m - row0);
        const int64_t panel0 = task % column_blocks * panels_per_block, panel1 = std::min(panels, panel0 + panels_per_block);
        Epilogue here = epilogue;
        if (here.residual) here.residual += row0 * ldc;
        here.accumulate |= k0 > 0;
        typename P::Packed* packed_a = packed_rows ? packed_rows + row0 * padded : nullptr;
        if (!packed_a) {
          packed_a = scratch_of<typename P::Packed>(kPackedA, P::kBlockRows * padded + 64);
          pack_row_panels<P>(a, row0, rows, k0, depth, packed_a, padded);
        }
        multiply_panels<P>(packed_a, rows, packed_b, panel0, panel1, n, depth, c + row0 * ldc, ldc, here, last);
      }
    });
  }
}

// Products of `batch` matrices, each `stride_*` floats after the one before (0: the same for all).
static void mat_mul(int precision, bool transpose_a, bool transpose_b, int64_t batch, int64_t m, int64_t n, int64_t k,
                    const float* a, int64_t stride_a, const float* b, int64_t stride_b, float* c, const float* bias,
                    int activation) {
  if (m <= 0 || n <= 0) return;
  Epilogue epilogue;
  epilogue.bias = bias;
  epilogue.activation = activation;
  const auto one = [&](int64_t i) {
    const Matrix left{a + i * stride_a, transpose_a ? m : k, transpose_a};
    const Matrix right{b + i * stride_b, transpose_b ? k : n, transpose_b};
    with_precision(precision, [&](auto policy) {
      multiply_matrices<decltype(policy)>(left, right, m, n, k, c + i * m * n, n, epilogue);
    });
  };
  if (batch == 1) return one(0);
  parallel_for(batch, std::max<int64_t>(1, 65536 / (m * n * k + 1)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) one(i);
  });
}

inline void register_gemm(const Exports& exports) { export_function<mat_mul>(exports, "matMul"); }
