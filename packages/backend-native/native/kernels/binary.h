// Ops of two operands with broadcasting, and sums of several of the same shape. The compiler turns the loops into vectors.

namespace binary_ops {

#define BINARY_OP(Name, expression)                    \
  struct Name {                                        \
    template <class T>                                 \
    static auto apply(T a, T b) { return expression; } \
  };
BINARY_OP(Add, a + b)
BINARY_OP(Subtract, a - b)
BINARY_OP(Multiply, a * b)
BINARY_OP(Divide, a / b)
// NaN if either is.
BINARY_OP(Maximum, a != a || a > b ? a : b)
BINARY_OP(Minimum, a != a || a < b ? a : b)
BINARY_OP(SquaredDifference, (a - b) * (a - b))
BINARY_OP(Greater, a > b)
BINARY_OP(GreaterEqual, a >= b)
BINARY_OP(Less, a < b)
BINARY_OP(LessEqual, a <= b)
BINARY_OP(Equal, a == b)
BINARY_OP(NotEqual, a != b)
BINARY_OP(LogicalAnd, a ? b : a)
BINARY_OP(LogicalOr, a ? a : b)
BINARY_OP(EluGradient, b >= 0 ? a : a * (b + 1))
#undef BINARY_OP

// Whole numbers wrap around at 2^32, as they do when JavaScript stores them.
struct AddWhole {
  static int32_t apply(int32_t a, int32_t b) { return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b)); }
};
struct SubtractWhole {
  static int32_t apply(int32_t a, int32_t b) { return static_cast<int32_t>(static_cast<uint32_t>(a) - static_cast<uint32_t>(b)); }
};
// JavaScript rounds the product to a double before it wraps it.
struct MultiplyWhole {
  static int32_t apply(int32_t a, int32_t b) {
    return static_cast<int32_t>(static_cast<int64_t>(static_cast<double>(a) * static_cast<double>(b)));
  }
};
// Division by 0 gives an infinity or NaN, which become 0 among the whole numbers.
struct FloorDivideWhole {
  static int32_t apply(int32_t a, int32_t b) {
    if (b == 0) return 0;
    return static_cast<int32_t>(static_cast<int64_t>(std::floor(static_cast<double>(a) / static_cast<double>(b))));
  }
};

// As JavaScript defines it: an exponent of NaN gives NaN, and so does one of infinity with a base of 1 or -1.
struct Power {
  static float apply(float a, float b) {
    if (b == 2.f) return a * a;
    if (b != b || ((a == 1.f || a == -1.f) && std::isinf(b))) return NAN;
    return std::pow(a, b);
  }
};

}  // namespace binary_ops

// The walk knows nothing of the op: it is compiled once, and an op is three short loops.
typedef void (*BinaryRow)(const void* a, const void* b, void* out, int64_t n);

static void walk_binary(const double* shape, const void* a, const void* b, void* out, int64_t bytes, int64_t bytes_out,
                        BinaryRow both, BinaryRow constant_a, BinaryRow constant_b) {
  const Strided<2> s(shape);
  const BinaryRow row = s.step(0) == 0 ? constant_a : s.step(1) == 0 ? constant_b : both;
  parallel_for(s.size(), grain_of(1), [&](int64_t begin, int64_t end) {
    for_each_row(s, begin, end, [&](int64_t at, int64_t n, const int64_t* from) {
      row(static_cast<const char*>(a) + from[0] * bytes, static_cast<const char*>(b) + from[1] * bytes,
          static_cast<char*>(out) + at * bytes_out, n);
    });
  });
}

template <class Op, class T, class R, bool kConstantA, bool kConstantB>
void binary_row(const void* a, const void* b, void* out, int64_t n) {
  const T *__restrict x = static_cast<const T*>(a), *__restrict y = static_cast<const T*>(b);
  R* __restrict to = static_cast<R*>(out);
  const T x0 = *x, y0 = *y;
  for (int64_t i = 0; i < n; i++) to[i] = Op::apply(kConstantA ? x0 : x[i], kConstantB ? y0 : y[i]);
}

/// out = Op(a, b), element by element; `shape` is a Strided<2> with steps of 0 or 1.
template <class Op, class T, class R>
void binary(const double* shape, const T* a, const T* b, R* out) {
  walk_binary(shape, a, b, out, sizeof(T), sizeof(R), binary_row<Op, T, R, false, false>, binary_row<Op, T, R, true, false>,
              binary_row<Op, T, R, false, true>);
}

/// out = the sum of `count` tensors of n elements, added in their order. `accumulate` adds them to what `out` holds.
static void add_n(const double* addresses, int64_t count, int64_t n, float* out, bool accumulate) {
  parallel_for(n, grain_of(count), [&](int64_t begin, int64_t end) {
    for_each_vector(end - begin, [&](int64_t i, auto lanes) {
      vfloat sum = accumulate ? load(out + begin + i, lanes) : splat(0.f);
      for (int64_t k = 0; k < count; k++)
        sum = sum + load(reinterpret_cast<const float*>(static_cast<uintptr_t>(addresses[k])) + begin + i, lanes);
      store(out + begin + i, sum, lanes);
    });
  });
}

inline void register_binary(const Exports& exports) {
  using namespace binary_ops;
  typedef uint8_t boolean;
  export_function<binary<Add, float, float>>(exports, "addFloat32");
  export_function<binary<Subtract, float, float>>(exports, "subtractFloat32");
  export_function<binary<Multiply, float, float>>(exports, "multiplyFloat32");
  export_function<binary<Divide, float, float>>(exports, "divideFloat32");
  export_function<binary<Maximum, float, float>>(exports, "maximumFloat32");
  export_function<binary<Minimum, float, float>>(exports, "minimumFloat32");
  export_function<binary<SquaredDifference, float, float>>(exports, "squaredDifferenceFloat32");
  export_function<binary<Power, float, float>>(exports, "powerFloat32");
  export_function<binary<EluGradient, float, float>>(exports, "eluGradientFloat32");
  export_function<binary<Greater, float, boolean>>(exports, "greaterFloat32");
  export_function<binary<GreaterEqual, float, boolean>>(exports, "greaterEqualFloat32");
  export_function<binary<Less, float, boolean>>(exports, "lessFloat32");
  export_function<binary<LessEqual, float, boolean>>(exports, "lessEqualFloat32");
  export_function<binary<Equal, float, boolean>>(exports, "equalFloat32");
  export_function<binary<NotEqual, float, boolean>>(exports, "notEqualFloat32");
  export_function<binary<AddWhole, int32_t, int32_t>>(exports, "addInt32");
  export_function<binary<SubtractWhole, int32_t, int32_t>>(exports, "subtractInt32");
  export_function<binary<MultiplyWhole, int32_t, int32_t>>(exports, "multiplyInt32");
  export_function<binary<FloorDivideWhole, int32_t, int32_t>>(exports, "floorDivideInt32");
  export_function<binary<Maximum, int32_t, int32_t>>(exports, "maximumInt32");
  export_function<binary<Minimum, int32_t, int32_t>>(exports, "minimumInt32");
  export_function<binary<Greater, int32_t, boolean>>(exports, "greaterInt32");
  export_function<binary<GreaterEqual, int32_t, boolean>>(exports, "greaterEqualInt32");
  export_function<binary<Less, int32_t, boolean>>(exports, "lessInt32");
  export_function<binary<LessEqual, int32_t, boolean>>(exports, "lessEqualInt32");
  export_function<binary<Equal, int32_t, boolean>>(exports, "equalInt32");
  export_function<binary<NotEqual, int32_t, boolean>>(exports, "notEqualInt32");
  export_function<binary<LogicalAnd, boolean, boolean>>(exports, "logicalAndBool");
  export_function<binary<LogicalOr, boolean, boolean>>(exports, "logicalOrBool");
  export_function<add_n>(exports, "addN");
}
