// All kernels for one instruction set. The build compiles this file once for each, with -DISA=<name> and the compiler's flags.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "call.h"
#include "parallel.h"

namespace codebeam {
namespace ISA {
#include "vector.h"
#include "philox.h"
#include "dropout.h"
#include "kernels/gemm.h"
#include "chunk-sums.h"
#include "kernels/attention.h"
#include "kernels/dropout.h"
#include "kernels/feed-forward.h"
#include "kernels/layer-norm.h"
#include "kernels/rms-norm.h"
#include "kernels/softmax-cross-entropy.h"

void register_kernels(const Exports& exports) {
  register_attention(exports);
  register_dropout(exports);
  register_feed_forward(exports);
  register_gemm(exports);
  register_layer_norm(exports);
  register_rms_norm(exports);
  register_softmax_cross_entropy(exports);
}
}  // namespace ISA
}  // namespace codebeam
