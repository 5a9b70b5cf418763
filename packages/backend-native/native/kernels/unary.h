// Ops of one operand.

// Where a rounded e^x or 1 + x loses the small part of its argument, what it lost is made up for (Kahan's formulas, as told by
// Higham 2002, "Accuracy and Stability of Numerical Algorithms", sec. 1.14.1).
inline vfloat log_of_one_plus(vfloat x) {
  const vfloat u = x + 1.f;
  const vfloat y = logarithm(u) * (x / (u - 1.f));
  return select((u == 1.f) | (u == INFINITY), x, y);
}
inline vfloat exponential_minus_one(vfloat x) {
  const vfloat u = exponential(x), below = u - 1.f;
  vfloat y = below * (x / logarithm(u));
  y = select(below == -1.f, splat(-1.f), y);
  return select(u == 1.f, x, select(u == INFINITY, u, y));
}

// Cephes' tanhf: a polynomial near 0, where 1 - 2 / (e^2x + 1) would cancel.
inline vfloat hyperbolic_tangent(vfloat x) {
  const vfloat z = x * x;
  vfloat p = splat(-5.70498872745e-3f);
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const vfloat near = p * z * x + x;
  const vfloat far = 1.f - 2.f / (exponential(x + x) + 1.f);
  return select((x < 0.625f) & (x > -0.625f), near, far);
}

inline vfloat absolute(vfloat x) { return (vfloat)((vint)x & 0x7fffffff); }

namespace unary_ops {

#define UNARY_OP(Name, expression)                                                                             \
  struct Name {                                                                                                \
    static vfloat apply(vfloat x, [[maybe_unused]] float p, [[maybe_unused]] float q) { return expression; }   \
  };
UNARY_OP(Negate, -x)
UNARY_OP(Square, x * x)
UNARY_OP(SquareRoot, square_root(x))
UNARY_OP(ReciprocalSquareRoot, 1.f / square_root(x))
UNARY_OP(Reciprocal, 1.f / x)
UNARY_OP(Absolute, absolute(x))
UNARY_OP(Exponential, exponential(x))
UNARY_OP(ExponentialMinusOne, exponential_minus_one(x))
UNARY_OP(Logarithm, logarithm(x))
UNARY_OP(LogarithmOfOnePlus, log_of_one_plus(x))
UNARY_OP(Sigmoid, logistic(x))
UNARY_OP(HyperbolicTangent, hyperbolic_tangent(x))
// The ops below keep NaN: every comparison with it is false.
UNARY_OP(Relu, select(x <= 0.f, splat(0.f), x))
UNARY_OP(Relu6, select(x <= 0.f, splat(0.f), select(x > 6.f, splat(6.f), x)))
UNARY_OP(LeakyRelu, select(x < 0.f, x * p, x))
UNARY_OP(Elu, select(x < 0.f, exponential_minus_one(x), x))
UNARY_OP(Clip, select(x > q, splat(q), select(x < p, splat(p), x)))
UNARY_OP(Step, select(x > 0.f, splat(1.f), select(x != x, x, splat(p))))
UNARY_OP(Sign, select(x > 0.f, splat(1.f), select(x < 0.f, splat(-1.f), splat(0.f))))
UNARY_OP(Softplus, select(x > 0.f, x, splat(0.f)) + log_of_one_plus(exponential(-absolute(x))))
#undef UNARY_OP

// erf x to 1.5e-7: Abramowitz & Stegun 1964, eq. 7.1.26, the formula of the cpu backend.
struct ErrorFunction {
  static vfloat apply(vfloat x, float, float) {
    const vfloat v = absolute(x), t = 1.f / (1.f + 0.3275911f * v);
    vfloat p = 1.061405429f * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    const vfloat y = 1.f - p * t * exponential(-v * v);
    return select(x < 0.f, -y, select(x == 0.f, x, y));
  }
};

struct IsNaN {
  static bool apply(float x) { return x != x; }
};
struct IsInfinite {
  static bool apply(float x) { return x == INFINITY || x == -INFINITY; }
};
struct IsFinite {
  static bool apply(float x) { return x - x == 0.f; }
};

}  // namespace unary_ops

/// out = Op(x), with up to two numbers that some ops need.
template <class Op>
void unary(int64_t n, const float* x, float* out, float p, float q) {
  parallel_for(n, grain_of(1), [&](int64_t begin, int64_t end) {
    for_each_vector(end - begin, [&](int64_t i, auto n) {
      store(out + begin + i, Op::apply(load(x + begin + i, n), p, q), n);
    });
  });
}

template <class Op>
void unary_test(int64_t n, const float* x, uint8_t* out) {
  parallel_for(n, grain_of(1), [&](int64_t begin, int64_t end) {
    const float* __restrict from = x;
    uint8_t* __restrict to = out;
    for (int64_t i = begin; i < end; i++) to[i] = Op::apply(from[i]);
  });
}

static void logical_not(int64_t n, const uint8_t* x, uint8_t* out) {
  for (int64_t i = 0; i < n; i++) out[i] = !x[i];
}

inline void register_unary(const Exports& exports) {
  using namespace unary_ops;
  export_function<unary<Negate>>(exports, "negate");
  export_function<unary<Square>>(exports, "square");
  export_function<unary<SquareRoot>>(exports, "squareRoot");
  export_function<unary<ReciprocalSquareRoot>>(exports, "reciprocalSquareRoot");
  export_function<unary<Reciprocal>>(exports, "reciprocal");
  export_function<unary<Absolute>>(exports, "absolute");
  export_function<unary<Exponential>>(exports, "exponential");
  export_function<unary<ExponentialMinusOne>>(exports, "exponentialMinusOne");
  export_function<unary<Logarithm>>(exports, "logarithm");
  export_function<unary<LogarithmOfOnePlus>>(exports, "logarithmOfOnePlus");
  export_function<unary<Sigmoid>>(exports, "sigmoid");
  export_function<unary<HyperbolicTangent>>(exports, "hyperbolicTangent");
  export_function<unary<Relu>>(exports, "relu");
  export_function<unary<Relu6>>(exports, "relu6");
  export_function<unary<LeakyRelu>>(exports, "leakyRelu");
  export_function<unary<Elu>>(exports, "elu");
  export_function<unary<Clip>>(exports, "clip");
  export_function<unary<Step>>(exports, "step");
  export_function<unary<Sign>>(exports, "sign");
  export_function<unary<Softplus>>(exports, "softplus");
  export_function<unary<ErrorFunction>>(exports, "errorFunction");
  export_function<unary_test<IsNaN>>(exports, "isNaN");
  export_function<unary_test<IsInfinite>>(exports, "isInfinite");
  export_function<unary_test<IsFinite>>(exports, "isFinite");
  export_function<logical_not>(exports, "logicalNot");
}
