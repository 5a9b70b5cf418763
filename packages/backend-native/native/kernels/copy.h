// Moving elements without changing them: slices, concatenation, padding, tiling, and transposes.

template <class T>
inline void copy_row(const T* from, int64_t step, T* to, int64_t step_to, int64_t n) {
  if (step == 1 && step_to == 1)
    std::memcpy(to, from, n * sizeof(T));
  else if (step == 0 && step_to == 1)
    std::fill(to, to + n, *from);
  else
    for (int64_t i = 0; i < n; i++) to[i * step_to] = from[i * step];
}

/// out = x, each walked as its strides say: `shape` is a Strided<2> of x and out. T is any type as wide as the elements.
template <class T>
void copy(const double* shape, const T* x, T* out) {
  const Strided<2> s(shape);
  parallel_for(s.size(), grain_of(1), [&](int64_t begin, int64_t end) {
    for_each_row(s, begin, end, [&](int64_t, int64_t n, const int64_t* at) {
      copy_row(x + at[0], s.step(0), out + at[1], s.step(1), n);
    });
  });
}

// out [columns, rows] = the transpose of x [rows, columns]; neighbouring rows lie `stride` apart.
template <class T>
inline void transpose_block(const T* __restrict x, int64_t stride, T* __restrict out, int64_t stride_out, int64_t rows,
                            int64_t columns) {
  constexpr int64_t kTile = 16;
  for (int64_t i = 0; i < rows; i += kTile)
    for (int64_t j = 0; j < columns; j += kTile) {
      const int64_t last_row = std::min(rows, i + kTile), last_column = std::min(columns, j + kTile);
      for (int64_t c = j; c < last_column; c++)
        for (int64_t r = i; r < last_row; r++) out[c * stride_out + r] = x[r * stride + c];
    }
}

/// A transpose in which x's innermost dimension is not out's: for each index of the loop nest `shape` (a Strided<2> of x and
/// out) out [columns, rows] is the transpose of x [rows, columns].
template <class T>
void transpose(const double* shape, int64_t rows, int64_t stride, int64_t columns, int64_t stride_out, const T* x, T* out) {
  const Strided<2> s(shape);
  // Blocks of 64 rows: what is read and written of one then fits the first cache with room for its neighbours.
  constexpr int64_t kRows = 64, kColumns = 256;
  const int64_t down = (rows + kRows - 1) / kRows, across = (columns + kColumns - 1) / kColumns;
  const int64_t blocks = down * across, area = std::min(rows, kRows) * std::min(columns, kColumns);
  parallel_for(s.size() * blocks, grain_of(area), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t matrix = task / blocks, block = task % blocks;
      const int64_t row = block / across * kRows, column = block % across * kColumns;
      for_each_row(s, matrix, matrix + 1, [&](int64_t, int64_t, const int64_t* at) {
        transpose_block(x + at[0] + row * stride + column, stride, out + at[1] + column * stride_out + row, stride_out,
                        std::min(kRows, rows - row), std::min(kColumns, columns - column));
      });
    }
  });
}

inline void register_copy(const Exports& exports) {
  export_function<copy<uint32_t>>(exports, "copy4");
  export_function<copy<uint8_t>>(exports, "copy1");
  export_function<transpose<uint32_t>>(exports, "transpose4");
  export_function<transpose<uint8_t>>(exports, "transpose1");
}
