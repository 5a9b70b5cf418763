// The best children of each user's beams in a tree: packages/backend/src/ops/best-children.ts.

inline float log_sum_exp(const float* x, int64_t n) {
  const float top = greatest(x, n);
  vfloat total{};
  for_each_vector(n, [&](int64_t j, auto lanes_here) {
    vfloat power = exponential(load(x + j, lanes_here) - top);
    if (lanes_here < W) power = select(lanes() < static_cast<int32_t>(lanes_here), power, splat(0.f));
    total += power;
  });
  return top + std::log(sum(total));
}

/// nodes, scores and parents [users * count] of the children of beams [users * width] with logits [users * width, columns].
static void best_children(const float* logits, const float* scores, const int32_t* nodes, const int32_t* first_child, const int32_t* code,
                          const int32_t* blocked_offsets, const int32_t* blocked, int64_t users, int64_t width, int64_t columns,
                          int64_t first_column, int64_t count, bool constrained, int32_t* kept_nodes, float* kept_scores,
                          int32_t* kept_parents) {
  parallel_for(users, grain_of(width * columns), [&](int64_t begin, int64_t end) {
    float* of_children = scratch_of<float>(kKernel, columns + W);
    for (int64_t user = begin; user < end; user++) {
      int32_t *best_nodes = kept_nodes + user * count, *best_parents = kept_parents + user * count;
      float* best = kept_scores + user * count;
      std::fill(best_nodes, best_nodes + count, -1);
      std::fill(best_parents, best_parents + count, static_cast<int32_t>(user * width));
      std::fill(best, best + count, -INFINITY);
      const int32_t* first_blocked = blocked_offsets ? blocked + blocked_offsets[user] : nullptr;
      const int32_t* end_blocked = blocked_offsets ? blocked + blocked_offsets[user + 1] : nullptr;
      for (int64_t row = user * width; row < (user + 1) * width; row++) {
        if (nodes[row] < 0) continue;
        const int32_t first = first_child[nodes[row]], children = first_child[nodes[row] + 1] - first;
        const float* own = logits + row * columns + first_column;
        for (int32_t i = 0; i < children; i++) of_children[i] = own[code[first + i]];
        // Over blocked children too: a score is the model's and does not depend on what is blocked.
        const float mass = constrained ? log_sum_exp(of_children, children) : log_sum_exp(logits + row * columns, columns);
        for (int32_t i = 0; i < children; i++) {
          const float score = scores[row] + (of_children[i] - mass);
          if (!(score > best[count - 1]) || std::binary_search(first_blocked, end_blocked, first + i)) continue;
          // Children come in the order of ties, so one goes behind its equals.
          const int64_t place = std::upper_bound(best, best + count, score, std::greater<float>()) - best;
          const size_t behind = count - 1 - place;
          std::memmove(best + place + 1, best + place, behind * sizeof(float));
          std::memmove(best_nodes + place + 1, best_nodes + place, behind * sizeof(int32_t));
          std::memmove(best_parents + place + 1, best_parents + place, behind * sizeof(int32_t));
          best[place] = score;
          best_nodes[place] = first + i;
          best_parents[place] = static_cast<int32_t>(row);
        }
      }
    }
  });
}

inline void register_best_children(const Exports& exports) { export_function<best_children>(exports, "bestChildren"); }
