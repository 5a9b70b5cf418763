// All kernels for one instruction set. The build compiles this file once for each, with -DISA=<name> and the compiler's flags.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <type_traits>
#include <vector>
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
#include "strided.h"
#include "kernels/gemm.h"
#include "chunk-sums.h"
#include "kernels/blocked-products.h"
#include "kernels/rms-norm.h"
#include "layer.h"
#include "kernels/adagrad.h"
#include "kernels/adamw.h"
#include "kernels/arg-max.h"
#include "kernels/attention.h"
#include "kernels/attention-layer.h"
#include "kernels/best-children.h"
#include "kernels/binary.h"
#include "kernels/bpr-max.h"
#include "kernels/copy.h"
#include "kernels/dropout.h"
#include "kernels/feed-forward-layer.h"
#include "kernels/self-attention-step.h"
#include "kernels/cross-attention-step.h"
#include "kernels/gather.h"
#include "kernels/layer-norm.h"
#include "kernels/reduce.h"
#include "kernels/softmax-cross-entropy.h"
#include "kernels/softmax.h"
#include "kernels/squared-norm.h"
#include "kernels/structure.h"
#include "kernels/top-k.h"
#include "kernels/unary.h"
#include "kernels/gru-cell.h"
#include "kernels/unit-rows.h"
#include "kernels/nearest-codes.h"
#include "kernels/mlp.h"
#include "kernels/mean-squared-distance.h"
#include "kernels/kmeans.h"
#include "kernels/top-k-products.h"

void register_kernels(const Exports& exports) {
  register_adagrad(exports);
  register_adamw(exports);
  register_arg_max(exports);
  register_attention(exports);
  register_attention_layer(exports);
  register_best_children(exports);
  register_binary(exports);
  register_bpr_max(exports);
  register_copy(exports);
  register_dropout(exports);
  register_feed_forward_layer(exports);
  register_gather(exports);
  register_gemm(exports);
  register_gru_cell(exports);
  register_layer_norm(exports);
  register_reduce(exports);
  register_rms_norm(exports);
  register_softmax(exports);
  register_softmax_cross_entropy(exports);
  register_self_attention_step(exports);
  register_cross_attention_step(exports);
  register_squared_norm(exports);
  register_structure(exports);
  register_top_k(exports);
  register_unary(exports);
  register_unit_rows(exports);
  register_kmeans(exports);
  register_mlp(exports);
  register_mean_squared_distance(exports);
  register_nearest_codes(exports);
  register_top_k_products(exports);
}
}  // namespace ISA
}  // namespace codebeam
