#include "parallel.h"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

namespace codebeam {
namespace {

struct Job {
  void (*body)(void*, int64_t, int64_t);
  void* context;
  int64_t count;
  int64_t grain;
};

// The gate to a job: whether more workers may join it, how many are at it, and which job it is.
constexpr uint64_t kOpen = 1, kWorker = 2, kJob = 1 << 16;

// How often an idle thread looks for work before it sleeps: some 50 microseconds, about the time between two kernels.
constexpr int kSpins = 4000;

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class Pool {
 public:
  ~Pool() { stop(); }

  void resize(int threads) {
    stop();
    threads_ = threads;
    stopping_ = false;
    const uint64_t now = gate_.load() / kJob;
    for (int i = 1; i < threads; i++) workers_.emplace_back([this, now] { work(now); });
  }

  int threads() const { return threads_; }

  void run(const Job& job) {
    const int64_t chunks = (job.count + job.grain - 1) / job.grain;
    if (threads_ == 1 || chunks <= 1 || busy_) {
      // One by one in the same chunks: what a chunk computes may depend on its borders.
      for (int64_t begin = 0; begin < job.count; begin += job.grain)
        job.body(job.context, begin, begin + job.grain < job.count ? begin + job.grain : job.count);
      return;
    }
    busy_ = true;
    job_ = job;
    next_.store(0, std::memory_order_relaxed);
    gate_.fetch_add(kJob + kOpen, std::memory_order_seq_cst);
    if (sleepers_.load(std::memory_order_seq_cst) > 0) {
      std::lock_guard<std::mutex> lock(mutex_);
      wake_.notify_all();
    }
    take();
    // Who has not come by now, because it sleeps or its core is another's, finds nothing left to do and is not waited for.
    gate_.fetch_sub(kOpen, std::memory_order_acq_rel);
    while (gate_.load(std::memory_order_acquire) % kJob != 0) relax();
    busy_ = false;
  }

 private:
  void take() {
    for (;;) {
      const int64_t begin = next_.fetch_add(1, std::memory_order_relaxed) * job_.grain;
      if (begin >= job_.count) return;
      job_.body(job_.context, begin, begin + job_.grain < job_.count ? begin + job_.grain : job_.count);
    }
  }

  void work(uint64_t seen) {
    for (;;) {
      int spins = 0;
      while (gate_.load(std::memory_order_acquire) / kJob == seen) {
        if (spins++ < kSpins) {
          relax();
          continue;
        }
        std::unique_lock<std::mutex> lock(mutex_);
        sleepers_.fetch_add(1, std::memory_order_seq_cst);
        wake_.wait(lock, [&] { return gate_.load(std::memory_order_seq_cst) / kJob != seen; });
        sleepers_.fetch_sub(1, std::memory_order_seq_cst);
      }
      if (stopping_) return;
      uint64_t gate = gate_.load(std::memory_order_acquire);
      while (gate & kOpen) {
        if (!gate_.compare_exchange_weak(gate, gate + kWorker, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
        take();
        gate_.fetch_sub(kWorker, std::memory_order_release);
        break;
      }
      seen = gate / kJob;
    }
  }

  void stop() {
    stopping_ = true;
    gate_.fetch_add(kJob);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      wake_.notify_all();
    }
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  std::vector<std::thread> workers_;
  int threads_ = 1;
  bool busy_ = false;  // only the calling thread reads and writes it: a kernel inside a kernel runs alone
  Job job_{};
  std::atomic<int64_t> next_{0};
  std::atomic<uint64_t> gate_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
};

// Never destroyed: a worker may still spin while the process exits.
Pool& pool() {
  static Pool* pool = new Pool;
  return *pool;
}

struct Scratch {
  void* memory = nullptr;
  int64_t bytes = 0;
  ~Scratch() { std::free(memory); }
};

}  // namespace

void set_threads(int threads) { pool().resize(threads < 1 ? 1 : threads); }
int get_threads() { return pool().threads(); }

void run_parallel(int64_t count, int64_t grain, void (*body)(void*, int64_t, int64_t), void* context) {
  if (count <= 0) return;
  pool().run({body, context, count, grain < 1 ? 1 : grain});
}

void* scratch(int slot, int64_t bytes) {
  thread_local Scratch slots[8];
  Scratch& mine = slots[slot];
  if (mine.bytes < bytes) {
    std::free(mine.memory);
    mine.bytes = (bytes + 4095) / 4096 * 4096;
    mine.memory = std::aligned_alloc(4096, mine.bytes);
  }
  return mine.memory;
}

}  // namespace codebeam
