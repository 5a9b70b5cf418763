// A gated recurrent unit's state after what it reads: packages/backend/src/ops/gru-cell.ts. Columns: reset, update, candidate.

struct Gates {
  vfloat r, z, candidate, n;  // candidate is U h + c, before the reset gate
};

// Of units j ... of a row; pointers stand at the row's first column.
inline Gates gates_of(const float* x, const float* bias, const float* h, const float* hidden_bias, int64_t units, int64_t j, int64_t n) {
  const auto both = [&](int64_t at) { return load(x + at, n) + load(bias + at, n) + load(h + at, n) + load(hidden_bias + at, n); };
  const int64_t at = 2 * units + j;
  const vfloat r = logistic(both(j)), z = logistic(both(units + j));
  const vfloat candidate = load(h + at, n) + load(hidden_bias + at, n);
  return {r, z, candidate, hyperbolic_tangent(load(x + at, n) + load(bias + at, n) + r * candidate)};
}

static void gru_cell(int64_t rows, int64_t units, const float* x, const float* bias, const float* h, const float* hidden_bias,
                     const float* state, float* out) {
  parallel_for(rows, grain_of(8 * units), [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t at = row * units;
      for_each_vector(units, [&](int64_t j, auto n) {
        const Gates g = gates_of(x + 3 * at, bias, h + 3 * at, hidden_bias, units, j, n);
        store(out + at + j, g.n + g.z * (load(state + at + j, n) - g.n), n);
      });
    }
  });
}

// dx and dh are by what was read and by what the state became, d_bias and d_hidden_bias their sums over rows.
static void gru_cell_gradient(int64_t rows, int64_t units, const float* x, const float* bias, const float* h, const float* hidden_bias,
                              const float* state, const float* dy, float* dx, float* d_bias, float* dh, float* d_hidden_bias,
                              float* d_state) {
  float* both = scratch_of<float>(kKernel + 1, 6 * units);
  sum_over_chunks(rows, grain_of(8 * units), 6 * units, both, [=](int64_t begin, int64_t end, float* sums) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t at = row * units;
      for_each_vector(units, [&](int64_t j, auto n) {
        const Gates g = gates_of(x + 3 * at, bias, h + 3 * at, hidden_bias, units, j, n);
        const vfloat d = load(dy + at + j, n);
        const vfloat dn = d * (1.f - g.z) * (1.f - g.n * g.n);
        const vfloat dr = dn * g.candidate * g.r * (1.f - g.r);
        const vfloat dz = d * (load(state + at + j, n) - g.n) * g.z * (1.f - g.z);
        const auto put = [&](float* to, float* sum, int64_t column, vfloat v) {
          store(to + 3 * at + column + j, v, n);
          store(sum + column + j, load(sum + column + j, n) + v, n);
        };
        put(dx, sums, 0, dr);
        put(dx, sums, units, dz);
        put(dx, sums, 2 * units, dn);
        put(dh, sums + 3 * units, 0, dr);
        put(dh, sums + 3 * units, units, dz);
        put(dh, sums + 3 * units, 2 * units, dn * g.r);
        store(d_state + at + j, d * g.z, n);
      });
    }
  });
  std::copy(both, both + 3 * units, d_bias);
  std::copy(both + 3 * units, both + 6 * units, d_hidden_bias);
}

inline void register_gru_cell(const Exports& exports) {
  export_function<gru_cell>(exports, "gruCell");
  export_function<gru_cell_gradient>(exports, "gruCellGradient");
}
