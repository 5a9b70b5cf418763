// Products of every row of A [m, depth] with every row of B [n, depth], a block at a time in scratch memory: whoever asks
// looks at a block while it is in the cache and keeps what it wants (the nearest code, the k best items), and no m x n matrix
// is made.

constexpr int64_t kProductColumns = 512;

/// Calls consume(row, rows, column, columns, products) for all blocks, with products[i * kProductColumns + j] =
/// a[row + i] . b[column + j]. Of one row's blocks none runs beside another, and their columns ascend. The scratch slots 0, 1
/// and kKernel are taken.
template <class P, class F>
void blocked_products(const float* a, int64_t m, const float* b, int64_t n, int64_t depth, F&& consume) {
  typedef typename P::Packed Packed;
  const Matrix left{a, depth, false}, right{b, depth, true};
  const int64_t padded_depth = P::padded(depth);
  // B is packed in parts of some 16 MB, so that a wide one needs no second copy as large as itself.
  const int64_t part = std::max<int64_t>(1, (int64_t{1} << 22) / (padded_depth + 1) / kProductColumns) * kProductColumns;
  for (int64_t first = 0; first < n; first += part) {
    const int64_t columns = std::min(part, n - first), panels = (columns + P::kColumns - 1) / P::kColumns;
    Packed* packed_b = scratch_of<Packed>(kPackedB, panels * P::kColumns * padded_depth + 64);
    parallel_for(panels, std::max<int64_t>(1, 16384 / (padded_depth * P::kColumns + 1)), [&](int64_t begin, int64_t end) {
      for (int64_t panel = begin; panel < end; panel++) {
        const int64_t column = panel * P::kColumns;
        for (int64_t k = 0; k < depth; k += P::kBlockK) {
          const int64_t here = std::min<int64_t>(P::kBlockK, depth - k);
          P::pack_columns(right, first + column, std::min(P::kColumns + 0, columns - column), k, here,
                          packed_b + k * panels * P::kColumns + column * P::padded(here));
        }
      }
    });
    parallel_for((m + P::kBlockRows - 1) / P::kBlockRows, 1, [&](int64_t begin, int64_t end) {
      const typename P::Registers registers;
      for (int64_t block = begin; block < end; block++) {
        const int64_t row = block * P::kBlockRows, rows = std::min<int64_t>(P::kBlockRows, m - row);
        Packed* packed_a = scratch_of<Packed>(kPackedA, P::kBlockRows * padded_depth + 64);
        for (int64_t k = 0; k < depth; k += P::kBlockK) {
          const int64_t here = std::min<int64_t>(P::kBlockK, depth - k);
          pack_row_panels<P>(left, row, rows, k, here, packed_a + k * P::kBlockRows, P::padded(here));
        }
        float* products = scratch_of<float>(kKernel, P::kBlockRows * kProductColumns);
        alignas(64) float tile[P::kRows * P::kColumns];
        for (int64_t column = 0; column < columns; column += kProductColumns) {
          const int64_t width = std::min(kProductColumns + 0, columns - column);
          for (int64_t k = 0; k < depth; k += P::kBlockK) {
            const int64_t here = std::min<int64_t>(P::kBlockK, depth - k), padded = P::padded(here);
            const bool is_first = k == 0, is_last = k + P::kBlockK >= depth;
            for (int64_t j = 0; j < width; j += P::kColumns)
              for (int64_t r = 0; r < rows; r += P::kRows) {
                P::multiply(packed_a + k * P::kBlockRows + r * padded,
                            packed_b + k * panels * P::kColumns + (column + j) * padded, here, tile, P::kColumns, false);
                finish_tile(tile, P::kColumns, std::min(P::kRows + 0, rows - r), std::min(P::kColumns + 0, width - j),
                            products + r * kProductColumns + j, kProductColumns, Epilogue{}, j, !is_first, is_last);
              }
          }
          if (depth == 0) std::memset(products, 0, P::kBlockRows * kProductColumns * sizeof(float));
          consume(row, rows, first + column, width, products);
        }
      }
    });
  }
}
