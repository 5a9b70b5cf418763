import { selectBackend, tf } from '@codebeam/backend';
import { createGenerator, createKey } from '@codebeam/random';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends } from '../../backend/fixtures/backends.js';
import { codebookLoss, commitmentLoss } from './losses.js';
import { residualQuantize, rotationTrick, straightThrough, sumCodeVectors } from './residual-quantizer.js';

const generator = createGenerator(createKey(5, 'sample'));
const normals = (count: number) => Array.from({ length: count }, () => Math.fround(generator.normal()));
const [B, D, K, L] = [5, 3, 4, 2];
const latentValues = normals(B * D);
const codebookValues = Array.from({ length: L }, () => normals(K * D));
const weights = normals(B * D);

describe.each(backends)('on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend(backend);
  });

  it('quantizes what the earlier levels leave over', async () => {
    // (5, 1): nearest (4, 0), leaving (1, 1); nearest (1, 0), leaving (0, 1).
    const latent = tf.tensor2d([5, 1], [1, 2]);
    const codebooks = [tf.tensor2d([0, 4, 4, 0], [2, 2]), tf.tensor2d([-1, -1, 1, 0], [2, 2])];
    const { codes, residuals, codeVectors, quantized } = residualQuantize(latent, codebooks, { distance: 'l2' });
    expect(await Promise.all(codes.map(async (code) => Array.from(await code.data())))).toEqual([[1], [1]]);
    expect(await Promise.all(residuals.map(async (r) => Array.from(await r.data())))).toEqual([
      [5, 1],
      [1, 1],
    ]);
    expect(await Promise.all(codeVectors.map(async (e) => Array.from(await e.data())))).toEqual([
      [4, 0],
      [1, 0],
    ]);
    expect(Array.from(await quantized.data())).toEqual([5, 0]);
    expect(Array.from(await sumCodeVectors(codes, codebooks).data())).toEqual([5, 0]);
  });

  it('gives code vectors the lengths of their residuals when those are normalised', async () => {
    const latent = tf.tensor2d([0, 10], [1, 2]);
    const codebooks = [tf.tensor2d([1, 0, 0, 0.8], [2, 2]), tf.tensor2d([0, 1, 1, 0], [2, 2])];
    const { codes, quantized } = residualQuantize(latent, codebooks, { distance: 'l2', normaliseResiduals: true });
    // 10 x (0, .8) leaves (0, 2); 2 x (0, 1) leaves nothing.
    expect(await Promise.all(codes.map(async (code) => Array.from(await code.data())))).toEqual([[1], [0]]);
    expect((await quantized.data())[1]).toBeCloseTo(10, 5);
  });

  it('passes gradients through unchanged when straight-through', async () => {
    const w = tf.tensor2d(weights, [B, D]);
    const codebooks = codebookValues.map((values) => tf.tensor2d(values, [K, D]));
    const { value, grad } = tf.valueAndGrad((latent: tf.Tensor) => {
      const { quantized } = residualQuantize(latent as tf.Tensor2D, codebooks, { distance: 'l2' });
      return tf.sum(tf.mul(w, straightThrough(latent as tf.Tensor2D, quantized)));
    })(tf.tensor2d(latentValues, [B, D]));
    expect(Array.from(await grad.data())).toEqual(weights);
    const { quantized } = reference(latentValues, codebookValues);
    const expected = weights.reduce((sum, weight, i) => sum + weight * quantized[i], 0);
    expect((await value.data())[0]).toBeCloseTo(expected, 4);
  });

  it('turns and scales gradients with the vector in the rotation trick', async () => {
    const latent = tf.tensor2d(latentValues, [B, D]);
    const { quantized } = residualQuantize(
      latent,
      codebookValues.map((values) => tf.tensor2d(values, [K, D])),
      { distance: 'l2' },
    );
    const rotated = rotationTrick(latent, quantized);
    const q = await quantized.data();
    (await rotated.data()).forEach((value, i) => {
      expect(value).toBeCloseTo(q[i], 4);
    });
    const gradient = await tf
      .grad((x: tf.Tensor) => tf.sum(tf.mul(tf.tensor2d(weights, [B, D]), rotationTrick(x as tf.Tensor2D, quantized))))(
        latent,
      )
      .data();
    for (let row = 0; row < B; row++) {
      const [e, v, w, g] = [latentValues, q, weights, gradient].map((x) => x.slice(row * D, (row + 1) * D));
      // The map is a rotation times |q| / |e|: it keeps lengths up to that factor, and the angle to the vector.
      const scale = norm(v) / norm(e);
      expect(norm(g)).toBeCloseTo(scale * norm(w), 4);
      expect(cosine(g, e)).toBeCloseTo(cosine(w, v), 4);
    }
  });

  it('has the gradients of the codebook and commitment losses, against finite differences in float64', async () => {
    const loss = (latent: tf.Tensor, ...codebooks: tf.Tensor[]) => {
      const q = residualQuantize(latent as tf.Tensor2D, codebooks as tf.Tensor2D[], { distance: 'l2' });
      return tf.add(
        codebookLoss(q.residuals, q.codeVectors),
        tf.mul(0.25, commitmentLoss(q.residuals, q.codeVectors)),
      ) as tf.Scalar;
    };
    const variables = [latentValues, ...codebookValues];
    const tensors = variables.map((values, i) => tf.tensor2d(values, [i === 0 ? B : K, D]));
    const { value, grads } = tf.valueAndGrads(loss)(tensors);
    // Stopped gradients are constants: their values at this point stay while a variable is moved.
    const constants = reference(latentValues, codebookValues);
    const at = (moved: number[][]) => lossReference(moved[0], moved.slice(1), constants);
    expect((await value.data())[0]).toBeCloseTo(at(variables), 4);
    for (const [which, gradient] of (await Promise.all(grads.map((grad) => grad.data()))).entries()) {
      for (let i = 0; i < gradient.length; i++) {
        const step = 1e-5;
        const shifted = (by: number) => variables.map((v, j) => (j === which ? v.with(i, v[i] + by) : v));
        const difference = (at(shifted(step)) - at(shifted(-step))) / (2 * step);
        expect(gradient[i]).toBeCloseTo(difference, 4);
      }
    }
  });

  it('leaves no tensors behind', () => {
    const latent = tf.tensor2d(latentValues, [B, D]);
    const codebooks = codebookValues.map((values) => tf.tensor2d(values, [K, D]));
    const before = tf.memory().numTensors;
    for (const estimate of [straightThrough, rotationTrick]) {
      tf.dispose(
        tf.grad((x: tf.Tensor) => {
          const { quantized } = residualQuantize(x as tf.Tensor2D, codebooks, { distance: 'cosine' });
          return tf.sum(tf.square(estimate(x as tf.Tensor2D, quantized)));
        })(latent),
      );
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});

interface Reference {
  /** L x [B] */
  codes: number[][];
  /** L x [B*D] */
  residuals: number[][];
  /** [B*D] */
  quantized: number[];
}

/** Residual quantization in plain loops and float64. */
function reference(latent: number[], codebooks: number[][]): Reference {
  const [codes, residuals]: number[][][] = [[], []];
  let residual = latent;
  for (const codebook of codebooks) {
    const code = Array.from({ length: B }, (_, row) => {
      const distances = Array.from({ length: K }, (_, k) =>
        norm(Array.from({ length: D }, (_, i) => residual[row * D + i] - codebook[k * D + i])),
      );
      return distances.indexOf(Math.min(...distances));
    });
    codes.push(code);
    residuals.push(residual);
    residual = residual.map((value, at) => value - codebook[code[Math.floor(at / D)] * D + (at % D)]);
  }
  return { codes, residuals, quantized: latent.map((value, i) => value - residual[i]) };
}

/** Codebook loss + 0.25 commitment loss; codes and what the papers put into sg[.] come from `constants`. */
function lossReference(latent: number[], codebooks: number[][], constants: Reference): number {
  let loss = 0;
  for (let level = 0; level < L; level++) {
    for (let at = 0; at < B * D; at++) {
      const code = constants.codes[level][Math.floor(at / D)];
      const vector = codebooks[level][code * D + (at % D)];
      const constantVector = codebookValues[level][code * D + (at % D)];
      const constantResidual = constants.residuals[level][at];
      // The residual moves with the latent only, as earlier code vectors are subtracted as constants.
      const residual = constantResidual + latent[at] - latentValues[at];
      loss += ((constantResidual - vector) ** 2 + 0.25 * (residual - constantVector) ** 2) / B;
    }
  }
  return loss;
}

function norm(x: ArrayLike<number>): number {
  return Math.hypot(...Array.from(x));
}

function cosine(x: ArrayLike<number>, y: ArrayLike<number>): number {
  return Array.from(x).reduce((sum, value, i) => sum + value * y[i], 0) / (norm(x) * norm(y));
}
