// The sum of the squares of all elements: float32 within a vector's lane for a few of them, float64 from there on.

static void squared_norm(int64_t size, const float* x, float* out) {
  constexpr int64_t kChunk = 16384, kRun = 64 * W;
  const int64_t chunks = (size + kChunk - 1) / kChunk;
  double* partial = scratch_of<double>(kKernel, chunks);
  parallel_for(size, kChunk, [=](int64_t begin, int64_t end) {
    double total = 0;
    for (int64_t run = begin; run < end; run += kRun) {
      vfloat squares{};
      for (int64_t i = run; i < std::min(end, run + kRun); i += W) {
        const vfloat v = load(x + i, std::min<int64_t>(W, end - i));
        squares += v * v;
      }
      total += sum(squares);
    }
    partial[begin / kChunk] = total;
  });
  double total = 0;
  for (int64_t chunk = 0; chunk < chunks; chunk++) total += partial[chunk];
  *out = total;
}

inline void register_squared_norm(const Exports& exports) { export_function<squared_norm>(exports, "squaredNorm"); }
