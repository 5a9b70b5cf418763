// New values without arithmetic: conversions between types, constants, one-hot rows.

// As JavaScript stores a number in an Int32Array: towards 0, modulo 2^32, NaN and infinities as 0.
inline int32_t to_whole(float x) {
  if (x > -2147483648.f && x < 2147483648.f) return static_cast<int32_t>(x);
  if (!(x - x == 0.f)) return 0;
  return static_cast<int32_t>(static_cast<int64_t>(std::fmod(static_cast<double>(x), 4294967296.0)));
}

template <class T, class R>
inline R convert(T x) {
  if constexpr (std::is_same_v<R, uint8_t>)
    return x != 0;
  else if constexpr (std::is_same_v<T, float>)
    return to_whole(x);
  else
    return static_cast<R>(x);
}

template <class T, class R>
void cast(int64_t n, const T* x, R* out) {
  parallel_for(n, grain_of(1), [&](int64_t begin, int64_t end) {
    const T* __restrict from = x;
    R* __restrict to = out;
    for (int64_t i = begin; i < end; i++) to[i] = convert<T, R>(from[i]);
  });
}

static void fill(int64_t n, float value, float* out) {
  parallel_for(n, 4 * grain_of(1), [&](int64_t begin, int64_t end) { std::fill(out + begin, out + end, value); });
}

/// out [n, depth] = on where the column is the index, off elsewhere; an index outside [0, depth) leaves its row off.
template <class R>
void one_hot(int64_t n, int64_t depth, const int32_t* indices, double on, double off, R* out) {
  parallel_for(n, grain_of(depth), [&](int64_t begin, int64_t end) {
    std::fill(out + begin * depth, out + end * depth, static_cast<R>(off));
    for (int64_t i = begin; i < end; i++)
      if (indices[i] >= 0 && indices[i] < depth) out[i * depth + indices[i]] = static_cast<R>(on);
  });
}

/// out = condition ? yes : no, all of the same shape.
template <class T>
void select_elements(int64_t n, const uint8_t* condition, const T* yes, const T* no, T* out) {
  parallel_for(n, grain_of(1), [&](int64_t begin, int64_t end) {
    const uint8_t* __restrict c = condition;
    const T *__restrict y = yes, *__restrict e = no;
    T* __restrict to = out;
    for (int64_t i = begin; i < end; i++) {
      const T a = y[i], b = e[i];
      to[i] = c[i] == 1 ? a : b;
    }
  });
}

inline void register_structure(const Exports& exports) {
  typedef uint8_t boolean;
  export_function<cast<float, int32_t>>(exports, "castFloat32Int32");
  export_function<cast<float, boolean>>(exports, "castFloat32Bool");
  export_function<cast<int32_t, float>>(exports, "castInt32Float32");
  export_function<cast<int32_t, boolean>>(exports, "castInt32Bool");
  export_function<cast<boolean, float>>(exports, "castBoolFloat32");
  export_function<cast<boolean, int32_t>>(exports, "castBoolInt32");
  export_function<fill>(exports, "fill");
  export_function<one_hot<float>>(exports, "oneHotFloat32");
  export_function<one_hot<int32_t>>(exports, "oneHotInt32");
  export_function<select_elements<uint32_t>>(exports, "select4");
  export_function<select_elements<uint8_t>>(exports, "select1");
}
