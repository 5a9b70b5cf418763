// A pool of threads that wait for work by spinning a little and then sleeping. `parallel_for` hands out chunks whose borders do
// not depend on the number of threads; as long as each chunk writes its own outputs, neither do the results.
#pragma once
#include <cstdint>
#include <type_traits>

namespace codebeam {

void set_threads(int threads);
int get_threads();

/// Runs body(context, begin, end) for [0, count) in chunks of `grain`, on all threads; returns when all is done.
void run_parallel(int64_t count, int64_t grain, void (*body)(void*, int64_t, int64_t), void* context);

template <class F>
void parallel_for(int64_t count, int64_t grain, F&& f) {
  using Body = std::remove_reference_t<F>;
  run_parallel(
      count, grain, [](void* context, int64_t begin, int64_t end) { (*static_cast<Body*>(context))(begin, end); },
      const_cast<void*>(static_cast<const void*>(&f)));
}

/// Chunks of about 16 k elements: enough work to be worth waking a thread for.
inline int64_t grain_of(int64_t row_size) {
  int64_t rows = 16384 / (row_size > 0 ? row_size : 1);
  return rows > 0 ? rows : 1;
}

/// This thread's scratch memory, 64-byte aligned, kept for the next call. `slot` tells apart buffers in use at the same time.
void* scratch(int slot, int64_t bytes);
template <class T>
T* scratch_of(int slot, int64_t count) {
  return static_cast<T*>(scratch(slot, count * sizeof(T)));
}

}  // namespace codebeam
