import { tf } from '@codebeam/backend';
import { describe, it } from 'vitest';
import { draw, drawTensor, expectAsOnCpu, expectSameBitsOnThreads, isBuilt } from '../../fixtures/ops.js';

const ops: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  neg: tf.neg,
  square: tf.square,
  sqrt: tf.sqrt,
  rsqrt: tf.rsqrt,
  reciprocal: tf.reciprocal,
  abs: tf.abs,
  exp: tf.exp,
  expm1: tf.expm1,
  log: tf.log,
  log1p: tf.log1p,
  sigmoid: tf.sigmoid,
  tanh: tf.tanh,
  erf: tf.erf,
  relu: tf.relu,
  relu6: tf.relu6,
  leakyRelu: (x) => tf.leakyRelu(x, 0.1),
  elu: tf.elu,
  softplus: tf.softplus,
  clip: (x) => tf.clipByValue(x, -0.5, 0.75),
  step: (x) => tf.step(x, 0.25),
  sign: tf.sign,
  isNaN: tf.isNaN,
  isInf: tf.isInf,
  isFinite: tf.isFinite,
};

// The formula of erf is good to 1.5e-7 and cancels near 0.
const absolute = (name: string) => (name === 'erf' ? 1e-6 : 1e-7);

describe.skipIf(!isBuilt)('unary kernels', () => {
  it.each(Object.entries(ops))('%s is as on the cpu backend, special values too', async (name, op) => {
    const bounds = { absolute: absolute(name) };
    for (const shape of [[], [0], [1], [3, 5], [2, 16], [17], [33_000]]) {
      for (const specials of [false, true]) await expectAsOnCpu(() => op(drawTensor(1, shape, specials)), bounds);
    }
    // From the smallest to the largest numbers. Below e^-87.3 the native exponential is 0 where the true one is subnormal.
    const sizes = Array.from({ length: 4001 }, (_, i) => 10 ** (-20 + i / 100));
    const values = [...sizes, ...sizes.map((x) => -x)].filter((x) => Math.abs(x) < 3e38);
    await expectAsOnCpu(() => op(tf.tensor1d(values)), bounds);
    const middle = Float32Array.from({ length: 20_001 }, (_, i) => i / 100 - 100);
    await expectAsOnCpu(() => op(tf.tensor1d(middle)), bounds);
  });

  it('has the gradients of the formulas', async () => {
    const rough = ['step', 'sign', 'isNaN', 'isInf', 'isFinite'];
    for (const [name, op] of Object.entries(ops)) {
      if (rough.includes(name)) continue;
      const x = draw(2, 57).map((value) => (/log|sqrt/.test(name) ? Math.abs(value) + 0.1 : value));
      await expectAsOnCpu(() => tf.grad((t: tf.Tensor) => op(t))(tf.tensor1d(x)), {
        relative: 1e-5,
        absolute: 1e-6,
      });
    }
  });

  it('leaves other types to the cpu kernels', async () => {
    for (const [name, op] of Object.entries({ Abs: tf.abs, Square: tf.square, Sign: tf.sign, Neg: tf.neg })) {
      await expectAsOnCpu(() => op(tf.tensor1d([-3, 0, 7], 'int32')), { others: [name] });
    }
  });

  it('gives the same bits on any number of threads', async () => {
    await expectSameBitsOnThreads(() => Object.values(ops).map((op) => op(drawTensor(1, [40_001], true))));
  });
});
