// Walking over operands that lie in memory each in its own way: broadcast, transposed, a part of something larger.
// Included inside `namespace ISA`.
constexpr int kMaxRank = 8;

// The dimensions of a loop nest and, for each of N operands, the distance between neighbours along them (0: repeated).
template <int N>
struct Strided {
  int rank;
  int64_t dims[kMaxRank] = {}, strides[N][kMaxRank] = {};

  // As src/kernels/strides.ts writes it: rank, dims, then the strides of each operand. The rank is 1 to kMaxRank.
  explicit Strided(const double* list) : rank(static_cast<int>(*list++)) {
    for (int d = 0; d < rank; d++) dims[d] = static_cast<int64_t>(*list++);
    for (int k = 0; k < N; k++)
      for (int d = 0; d < rank; d++) strides[k][d] = static_cast<int64_t>(*list++);
  }
  int64_t size() const {
    int64_t size = 1;
    for (int d = 0; d < rank; d++) size *= dims[d];
    return size;
  }
  int64_t row_size() const { return dims[rank - 1]; }
  int64_t step(int operand) const { return strides[operand][rank - 1]; }
};

// Calls row(at, n, offsets) for each stretch of the innermost dimension that the elements [begin, end) fill: `at` is the
// number of its first element, offsets[k] where that lies in operand k.
template <int N, class F>
inline void for_each_row(const Strided<N>& s, int64_t begin, int64_t end, F&& row) {
  int64_t index[kMaxRank], offsets[N] = {};
  int64_t rest = begin;
  for (int d = s.rank - 1; d >= 0; d--) {
    index[d] = rest % s.dims[d];
    rest /= s.dims[d];
    for (int k = 0; k < N; k++) offsets[k] += index[d] * s.strides[k][d];
  }
  const int last = s.rank - 1;
  while (begin < end) {
    const int64_t n = std::min(end - begin, s.dims[last] - index[last]);
    row(begin, n, offsets);
    begin += n;
    for (int k = 0; k < N; k++) offsets[k] -= index[last] * s.strides[k][last];
    index[last] = 0;
    for (int d = last - 1; d >= 0; d--) {
      for (int k = 0; k < N; k++) offsets[k] += s.strides[k][d];
      if (++index[d] < s.dims[d]) break;
      for (int k = 0; k < N; k++) offsets[k] -= s.dims[d] * s.strides[k][d];
      index[d] = 0;
    }
  }
}
