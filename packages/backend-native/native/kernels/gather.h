// Rows by their numbers, and its gradient: sums of the rows that share a number.

/// The position of the first index outside [0, size), or -1.
static int64_t find_outside(const int32_t* indices, int64_t n, int64_t size) {
  for (int64_t i = 0; i < n; i++)
    if (indices[i] < 0 || indices[i] >= size) return i;
  return -1;
}

// Rows at random places are asked for this many rows ahead: a processor foresees only what lies in order.
constexpr int64_t kRowsAhead = 4;

inline void prefetch_row(const void* row, int64_t bytes) {
  for (int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(static_cast<const char*>(row) + at);
}

/// out [batch, outer, n, width] = the rows of x [batch, outer, size, width] that indices [batch, n] name, all in [0, size).
template <class T>
void gather(const T* x, const int32_t* indices, T* out, int64_t batch, int64_t outer, int64_t n, int64_t size, int64_t width) {
  parallel_for(batch * outer * n, grain_of(width), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end;) {
      const int64_t matrix = row / n, last = std::min(end, (matrix + 1) * n);
      const T* from = x + matrix * size * width;
      const int32_t* named = indices + matrix / outer * n - matrix * n;
      if (width == 1)
        for (; row < last; row++) out[row] = from[named[row]];
      else
        for (; row < last; row++) {
          if (row + kRowsAhead < last) prefetch_row(from + named[row + kRowsAhead] * width, width * sizeof(T));
          std::memcpy(out + row * width, from + named[row] * width, width * sizeof(T));
        }
    }
  });
}

/// Writes rows [n, width] into table [.., width] at the places that indices [n] name, all of them different.
static void update_rows(float* table, const int32_t* indices, const float* rows, int64_t n, int64_t width) {
  parallel_for(n, grain_of(width), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      if (i + kRowsAhead < end) prefetch_row(table + indices[i + kRowsAhead] * width, width * sizeof(float));
      std::memcpy(table + indices[i] * width, rows + i * width, width * sizeof(float));
    }
  });
}

/// out [segments, width]: the sums of the rows of x [n, width] with the same id, in their order; other ids are left out.
/// The rows are sorted by id first, so that each sum is finished at once and written once, by whichever thread.
static void segment_sum(const float* x, const int32_t* ids, float* out, int64_t n, int64_t width, int64_t segments) {
  int64_t* starts = scratch_of<int64_t>(kKernel, segments + 1);
  int32_t* order = scratch_of<int32_t>(kKernel + 1, n);
  std::fill(starts, starts + segments + 1, 0);
  for (int64_t i = 0; i < n; i++)
    if (ids[i] >= 0 && ids[i] < segments) starts[ids[i] + 1]++;
  for (int64_t s = 0; s < segments; s++) starts[s + 1] += starts[s];
  for (int64_t i = 0; i < n; i++)
    if (ids[i] >= 0 && ids[i] < segments) order[starts[ids[i]]++] = static_cast<int32_t>(i);
  // Each entry has moved on to the start of the next segment.
  const auto start = [&](int64_t segment) { return segment == 0 ? 0 : starts[segment - 1]; };

  // Blocks of columns too, since one id may have most of the rows.
  constexpr int64_t kWidth = 64;
  const int64_t blocks = (width + kWidth - 1) / kWidth;
  const int64_t grain = grain_of((n / segments + 1) * std::min(width, kWidth));
  parallel_for(segments * blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t segment = task / blocks, column = task % blocks * kWidth;
      const int64_t columns = std::min(kWidth, width - column);
      vfloat sums[kWidth / W] = {};
      for (int64_t k = start(segment); k < starts[segment]; k++) {
        const float* row = x + order[k] * width + column;
        if (columns == kWidth)
          for (int64_t j = 0; j < kWidth / W; j++) sums[j] += load(row + j * W);
        else
          for_each_vector(columns, [&](int64_t j, auto lanes) { sums[j / W] += load(row + j, lanes); });
      }
      float* to = out + segment * width + column;
      for_each_vector(columns, [&](int64_t j, auto lanes) { store(to + j, sums[j / W], lanes); });
    }
  });
}

inline void register_gather(const Exports& exports) {
  export_function<find_outside>(exports, "findOutside");
  export_function<gather<uint32_t>>(exports, "gather4");
  export_function<gather<uint8_t>>(exports, "gather1");
  export_function<update_rows>(exports, "updateRows");
  export_function<segment_sum>(exports, "segmentSum");
}
