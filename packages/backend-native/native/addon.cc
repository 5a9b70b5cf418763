// The module that Node loads: memory, threads, and the kernels compiled for the best instruction set of this machine.
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "call.h"
#include "parallel.h"

#if defined(__linux__)
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace codebeam {

// The build says with which instruction sets kernels.cc was compiled.
#define DECLARE(isa) namespace isa { void register_kernels(const Exports&); }
#if defined(WITH_amx)
DECLARE(amx)
#endif
#if defined(WITH_avx512)
DECLARE(avx512)
#endif
#if defined(WITH_avx2)
DECLARE(avx2)
#endif
#if defined(WITH_portable)
DECLARE(portable)
#endif

namespace {

struct InstructionSet {
  const char* name;
  void (*register_kernels)(const Exports&);
  bool available;
};

#if defined(__x86_64__)
// Linux gives a process the tile registers only when it asks for them.
bool request_tiles() {
#if defined(__linux__)
  constexpr int kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

bool has_amx_bf16() {
  unsigned a, b, c, d;
  asm volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(7), "c"(0));
  const bool tiles = (d >> 24) & 1, bf16 = (d >> 22) & 1;
  asm volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(7), "c"(1));
  const bool avx512_bf16 = (a >> 5) & 1;
  return tiles && bf16 && avx512_bf16;
}
#endif

/// Best first.
std::vector<InstructionSet> instruction_sets() {
  std::vector<InstructionSet> sets;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#if defined(WITH_amx)
  sets.push_back({"amx", amx::register_kernels, avx512 && has_amx_bf16() && request_tiles()});
#endif
#if defined(WITH_avx512)
  sets.push_back({"avx512", avx512::register_kernels, avx512});
#endif
#if defined(WITH_avx2)
  sets.push_back({"avx2", avx2::register_kernels, avx2});
#endif
#endif
#if defined(WITH_portable)
  sets.push_back({"portable", portable::register_kernels, true});
#endif
  return sets;
}

napi_value string_of(napi_env env, const char* text) {
  napi_value value;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return value;
}

/// instructionSets() -> the names of those that this machine can run, best first.
napi_value list_instruction_sets(napi_env env, napi_callback_info) {
  napi_value names;
  napi_create_array(env, &names);
  uint32_t count = 0;
  for (const InstructionSet& set : instruction_sets())
    if (set.available) napi_set_element(env, names, count++, string_of(env, set.name));
  return names;
}

/// kernels(name) -> an object with every kernel, compiled for that instruction set.
napi_value get_kernels(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, object;
  char name[32] = "";
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_string_utf8(env, argument, name, sizeof name, nullptr);
  napi_create_object(env, &object);
  for (const InstructionSet& set : instruction_sets()) {
    if (!set.available || std::strcmp(set.name, name) != 0) continue;
    set.register_kernels({env, object});
    return object;
  }
  napi_throw_range_error(env, nullptr, "backend-native: this machine lacks the instruction set asked for");
  return nullptr;
}

void free_chunk(napi_env, void* data, void*) { std::free(data); }

/// allocate(bytes) -> { buffer: ArrayBuffer, address: number }, aligned to 2 MiB so that the system can use huge pages.
napi_value allocate(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, result, buffer, address;
  double bytes = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_double(env, argument, &bytes);
  constexpr size_t kHugePage = size_t{1} << 21;
  const size_t size = (static_cast<size_t>(bytes) + kHugePage - 1) / kHugePage * kHugePage;
  void* data = std::aligned_alloc(kHugePage, size);
  if (data == nullptr) {
    napi_throw_error(env, nullptr, ("backend-native: memory must be available, got none for " + std::to_string(size) +
                                    " bytes; use smaller batches").c_str());
    return nullptr;
  }
#if defined(__linux__)
  madvise(data, size, MADV_HUGEPAGE);
#endif
  napi_create_external_arraybuffer(env, data, size, free_chunk, nullptr, &buffer);
  napi_create_double(env, static_cast<double>(reinterpret_cast<uintptr_t>(data)), &address);
  napi_create_object(env, &result);
  napi_set_named_property(env, result, "buffer", buffer);
  napi_set_named_property(env, result, "address", address);
  return result;
}

napi_value init(napi_env env, napi_value object) {
  const auto define = [&](const char* name, napi_callback callback) {
    napi_value function;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
    napi_set_named_property(env, object, name, function);
  };
  define("instructionSets", list_instruction_sets);
  define("kernels", get_kernels);
  define("allocate", allocate);
  export_function<set_threads>({env, object}, "setThreads");
  export_function<get_threads>({env, object}, "getThreads");
  return object;
}

}  // namespace
}  // namespace codebeam

NAPI_MODULE(codebeam, codebeam::init)
