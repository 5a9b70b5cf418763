// Vectors of float and int32 as wide as the instruction set allows, by GCC's and Clang's vector extensions: the kernels are
// written once and compiled once per instruction set. This file is included inside `namespace ISA`.
#if defined(__AVX512F__)
constexpr int W = 16;
#elif defined(__AVX2__)
constexpr int W = 8;
#else
constexpr int W = 4;
#endif
typedef float vfloat __attribute__((vector_size(W * 4)));
typedef int32_t vint __attribute__((vector_size(W * 4)));

inline vfloat splat(float x) { return x - vfloat{}; }
inline vint splat_int(int32_t x) { return x - vint{}; }

// 0, 1, 2 ...
inline vint lanes() {
  vint v;
  for (int i = 0; i < W; i++) v[i] = i;
  return v;
}

inline vfloat load(const float* p) {
  vfloat v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, vfloat v) { std::memcpy(p, &v, sizeof v); }
inline vint load(const int32_t* p) {
  vint v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(int32_t* p, vint v) { std::memcpy(p, &v, sizeof v); }

// The first n lanes; the others are 0 (loads) or left alone in memory (stores). 0 <= n <= W.
inline vfloat load(const float* p, int64_t n) {
#if defined(__AVX512F__)
  return (vfloat)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
  if (n == W) return load(p);
  vfloat v{};
  std::memcpy(&v, p, n * 4);
  return v;
#endif
}
inline void store(float* p, vfloat v, int64_t n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
  if (n == W) return store(p, v);
  std::memcpy(p, &v, n * 4);
#endif
}

// A bit for each lane that is set in a mask.
inline uint32_t lanes_of(vint mask) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask((__m512i)mask);
#elif defined(__AVX2__)
  return _mm256_movemask_ps((__m256)mask);
#else
  uint32_t bits = 0;
  for (int i = 0; i < W; i++) bits |= (mask[i] & 1u) << i;
  return bits;
#endif
}

inline vfloat select(vint mask, vfloat yes, vfloat no) { return mask ? yes : no; }

// x where the lane's bit is set, else 0.
inline vfloat keep_lanes(vfloat x, uint32_t bits) {
#if defined(__AVX512F__)
  return (vfloat)_mm512_maskz_mov_ps((__mmask16)bits, (__m512)x);
#else
  return select((splat_int(bits) >> lanes() & 1) != 0, x, vfloat{});
#endif
}

// Calls f(first, lanes) for the vectors that n elements fill; lanes is W but for the last, and the compiler knows it.
template <class F>
inline void for_each_vector(int64_t n, F&& f) {
  int64_t i = 0;
  for (; i + W <= n; i += W) f(i, std::integral_constant<int64_t, W>{});
  if (i < n) f(i, n - i);
}

inline vfloat maximum(vfloat a, vfloat b) { return a > b ? a : b; }
inline vfloat minimum(vfloat a, vfloat b) { return a < b ? a : b; }

inline vfloat square_root(vfloat x) {
#if defined(__AVX512F__)
  return (vfloat)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
  return (vfloat)_mm256_sqrt_ps((__m256)x);
#else
  vfloat y;
  for (int i = 0; i < W; i++) y[i] = std::sqrt(x[i]);
  return y;
#endif
}

// Sums and maxima over lanes, in a fixed order.
inline float sum(vfloat v) {
  float lanes[W];
  store(lanes, v);
  for (int half = W / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
  return lanes[0];
}
inline float max_lane(vfloat v) {
  float most = v[0];
  for (int i = 1; i < W; i++) most = v[i] > most ? v[i] : most;
  return most;
}

// e^x to 2 units in the last place: 2^n times a polynomial on [-ln2/2, ln2/2] (Cephes' expf). 0 below -87.3, as the result
// would be subnormal; infinity above 88.7; NaN stays NaN.
inline vfloat exponential(vfloat x) {
  vfloat t = minimum(maximum(x, splat(-87.33654f)), splat(88.72283f));
  vfloat shifted = t * 1.44269504f + 12582912.f;  // 1.5 * 2^23: rounds to the nearest integer
  vfloat n = shifted - 12582912.f;
  vfloat r = t - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  vfloat p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.f;
  // 2^n in two factors, since 2^128 is no float.
  vint whole = __builtin_convertvector(n, vint);
  vint half = whole >> 1;
  vfloat y = p * (vfloat)((half + 127) << 23) * (vfloat)((whole - half + 127) << 23);
  y = select(x > 88.72283f, splat(INFINITY), y);
  y = select(x < -87.33654f, splat(0.f), y);
  return select(x != x, x, y);
}

inline vfloat logistic(vfloat x) { return 1.f / (1.f + exponential(-x)); }

// ln x to 2 units in the last place (Cephes' logf); NaN for negative x, -infinity for 0.
inline vfloat logarithm(vfloat x) {
  vint tiny = x < 1.17549435e-38f;
  vfloat scaled = select(tiny, x * 8388608.f, x);
  vint bits = (vint)scaled;
  vfloat e = __builtin_convertvector((bits >> 23) - 126, vfloat) - select(tiny, splat(23.f), splat(0.f));
  vfloat m = (vfloat)((bits & 0x007fffff) | 0x3f000000);  // [0.5, 1)
  vint low = m < 0.707106781f;
  e = e - select(low, splat(1.f), splat(0.f));
  m = select(low, m + m, m) - 1.f;
  vfloat z = m * m;
  vfloat p = splat(7.0376836292e-2f);
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  vfloat y = m * z * p + e * -2.12194440e-4f - 0.5f * z;
  y = m + y + e * 0.693359375f;
  y = select(x == INFINITY, x, y);
  y = select(x == 0.f, splat(-INFINITY), y);
  return select((x < 0.f) | (x != x), splat(NAN), y);
}

// The greatest of n numbers; -infinity of none.
inline float greatest(const float* x, int64_t n) {
  vfloat most = splat(-INFINITY);
  for_each_vector(n, [&](int64_t j, auto here) {
    vfloat v = load(x + j, here);
    if (here < W) v = select(lanes() < static_cast<int32_t>(here), v, splat(-INFINITY));
    most = maximum(v, most);
  });
  return max_lane(most);
}
