// Sums over rows that do not depend on the number of threads. Included inside `namespace ISA`.

/// out[width] = what f(begin, end, sums) adds to `sums`, zero at first, over [0, rows). Each chunk of rows has sums of its own;
/// those are added in order. Takes this thread's scratch slot kKernel; f must use another.
template <class F>
void sum_over_chunks(int64_t rows, int64_t grain, int64_t width, float* out, F&& f) {
  const int64_t chunks = (rows + grain - 1) / grain;
  float* partial = scratch_of<float>(kKernel, chunks * width);
  parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
    float* mine = partial + begin / grain * width;
    std::fill(mine, mine + width, 0.f);
    f(begin, end, mine);
  });
  std::fill(out, out + width, 0.f);
  for (int64_t chunk = 0; chunk < chunks; chunk++)
    for (int64_t i = 0; i < width; i++) out[i] += partial[chunk * width + i];
}
