import { readFileSync } from 'node:fs';
import { selectBackend, tf } from '@codebeam/backend';
import { flattenParams, mapParams } from '@codebeam/nn';
import { createGenerator, createKey } from '@codebeam/random';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends } from '../../backend/fixtures/backends.js';
import { type RqvaeConfig, rqvaeSchema } from './config.js';
import { encodeItems, evaluateReconstruction, generateSemanticIds, quantizeItems } from './generate-semantic-ids.js';
import { initCodebooks } from './init-codebooks.js';
import { initRqvae, isTrainable, normaliseInputs, type RqvaeParams, rqvaeLoss } from './rqvae.js';
import { measureCollisions } from './tokenizer-report.js';

type Matrix = number[][];
interface Fixture {
  levels: number;
  codebookSize: number;
  commitmentWeight: number;
  inputs: Matrix;
  params: Record<string, Matrix | number[]>;
  codes: Matrix;
  quantized: Matrix;
  loss: number;
  reconstruction: number;
  codebook: number;
  commitment: number;
  gradients: Record<string, Matrix | number[]>;
}

const key = createKey(3, 'init');
const generator = createGenerator(createKey(4, 'sample'));
const embeddings = {
  values: Float32Array.from({ length: 50 * 5 }, (_, i) => (1 + (i % 5)) * generator.normal() + 3),
  rows: 50,
  dim: 5,
};
const small = { levels: 2, codebookSize: 4, latentDim: 3, hiddenDims: [7] };

describe.each(backends)('on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend(backend);
  });

  // The fixtures come from test/golden/rqvae/make-fixture.py.
  it.each(['straight-through', 'rotation'] as const)('has the loss and gradients of PyTorch, %s', async (quantize) => {
    const { config, params, fixture } = load(quantize);
    const inputs = tf.tensor2d(fixture.inputs);
    const { metrics } = rqvaeLoss(params, inputs, config);
    for (const name of ['reconstruction', 'codebook', 'commitment'] as const) {
      expect((await metrics[name].data())[0]).toBeCloseTo(fixture[name], 4);
    }
    const names = Object.keys(flattenParams(params)).filter(isTrainable(config));
    const { value, grads } = tf.valueAndGrads(
      (...tensors: tf.Tensor[]) =>
        rqvaeLoss(
          mapParams(params, (tensor, name) => tensors[names.indexOf(name)] ?? tensor),
          inputs,
          config,
        ).loss,
    )(names.map((name) => flattenParams(params)[name]));
    expect((await value.data())[0]).toBeCloseTo(fixture.loss, 4);
    expect(names.toSorted()).toEqual(Object.keys(fixture.gradients).toSorted());
    for (const [i, name] of names.entries()) {
      const expected = fixture.gradients[name].flat();
      (await grads[i].data()).forEach((gradient, at) => {
        expect(Math.abs(gradient - expected[at])).toBeLessThan(1e-4 * (1 + Math.abs(expected[at])));
      });
    }
  });

  it('chooses the codes of PyTorch', async () => {
    const { config, params, fixture } = load('straight-through');
    const items = { values: Float32Array.from(fixture.inputs.flat()), rows: fixture.inputs.length, dim: 5 };
    const { codes } = await quantizeItems(params, items, config);
    fixture.codes.forEach((level, l) => {
      expect(Array.from(codes).filter((_, i) => i % 2 === l)).toEqual(level);
    });
  });

  it('gives EMA codebooks as updates and no codebook loss', async () => {
    const config = rqvaeSchema.parse({ ...small, codebookUpdate: 'ema', emaDecay: 0.5 });
    const params = initRqvae(key, embeddings, config);
    const inputs = normaliseInputs(params, tf.tensor2d(embeddings.values, [50, 5]), config);
    const { metrics, updates } = rqvaeLoss(params, inputs, config);
    expect(Object.keys(metrics)).toEqual(['reconstruction', 'commitment']);
    expect(Object.keys(updates).toSorted()).toEqual(
      Object.keys(flattenParams(params))
        .filter((name) => /^(ema|codebooks)/.test(name))
        .toSorted(),
    );
    expect(isTrainable(config)('codebooks.0')).toBe(false);
    expect(isTrainable(config)('encoder.0.weight')).toBe(true);
    const counts = await updates['ema.0.counts'].data<'float32'>();
    expect(counts.reduce((a, b) => a + b, 0)).toBeCloseTo(0.5 * 4 + 0.5 * 50, 4);
  });

  it('leaves no tensors behind', async () => {
    for (const settings of [{}, { codebookUpdate: 'ema' }, { quantize: 'rotation' }, { distance: 'cosine' }]) {
      const config = rqvaeSchema.parse({ ...small, ...settings });
      const params = await initCodebooks(initRqvae(key, embeddings, config), embeddings, config, key);
      const inputs = tf.tensor2d(embeddings.values, [50, 5]);
      const before = tf.memory().numTensors;
      const trained = Object.values(flattenParams(params.encoder));
      tf.tidy(() => {
        tf.valueAndGrads((..._: tf.Tensor[]) => rqvaeLoss(params, inputs, config).loss)(trained);
      });
      await quantizeItems(params, embeddings, config);
      await evaluateReconstruction(params, embeddings, config);
      await generateSemanticIds(params, embeddings, { ...config, balanceLastLevel: true });
      expect(tf.memory().numTensors).toBe(before);
    }
  });

  it('places codebooks on latents without leaving tensors behind', async () => {
    const config = rqvaeSchema.parse({ ...small, codebookUpdate: 'ema', kmeansSample: 20 });
    const params = initRqvae(key, embeddings, config);
    const before = tf.memory().numTensors;
    const placed = await initCodebooks(params, embeddings, config, key);
    expect(tf.memory().numTensors).toBe(before);
    expect(params.codebooks[0].isDisposed).toBe(true);
    expect(Array.from(await placed.ema[0].sums.data())).toEqual(Array.from(await placed.codebooks[0].data()));
  });
});

describe('normaliseInputs', () => {
  it.each(['standardise', 'rms'] as const)('scales what is constant by 1: %s', async (inputNormalisation) => {
    const constant = { values: new Float32Array(200).fill(0.1), rows: 200, dim: 1 };
    const params = initRqvae(key, constant, rqvaeSchema.parse({ ...small, inputNormalisation }));
    expect(await params.normalisation.scale.data()).toEqual(Float32Array.of(1));
  });

  const normalised = async (inputNormalisation: RqvaeConfig['inputNormalisation']) => {
    await selectBackend('cpu');
    const config = rqvaeSchema.parse({ ...small, inputNormalisation });
    const params = initRqvae(key, embeddings, config);
    const values = await normaliseInputs(params, tf.tensor2d(embeddings.values, [50, 5]), config).data();
    const column = (i: number) => Array.from(values).filter((_, at) => at % 5 === i);
    return { values: Array.from(values), meanSquares: [0, 1, 2, 3, 4].map((i) => meanSquare(column(i))) };
  };

  it('centres and brings all components to one scale with rms, each to its own with standardise', async () => {
    const rms = await normalised('rms');
    expect(meanSquare(rms.values)).toBeCloseTo(1, 4);
    expect(rms.meanSquares[4]).toBeGreaterThan(4 * rms.meanSquares[0]);
    for (const square of (await normalised('standardise')).meanSquares) expect(square).toBeCloseTo(1, 4);
  });

  it('brings each item to one length with l2, and changes nothing with none', async () => {
    const { values } = await normalised('l2');
    expect(meanSquare(values.slice(0, 5))).toBeCloseTo(1, 4);
    expect((await normalised('none')).values).toEqual(Array.from(embeddings.values));
  });

  it('refuses embeddings of another width', async () => {
    await selectBackend('cpu');
    const config = rqvaeSchema.parse(small);
    expect(() => normaliseInputs(initRqvae(key, embeddings, config), tf.zeros([1, 4]), config)).toThrow(
      'rqvae: embedding width must be 5 as in training, got 4',
    );
  });
});

describe('initRqvae', () => {
  it('names the item of an embedding that is not finite', () => {
    const values = embeddings.values.slice();
    values[11] = Number.NaN;
    expect(() => initRqvae(key, { ...embeddings, values }, rqvaeSchema.parse(small))).toThrow(
      'rqvae: embeddings must be finite, got NaN for item 2, component 1',
    );
  });

  it('has neither layers nor averages for residual k-means', async () => {
    await selectBackend('cpu');
    const config = rqvaeSchema.parse({ ...small, tokenizer: 'residual-kmeans', codebookUpdate: 'ema' });
    const params = initRqvae(key, embeddings, config);
    expect([params.encoder, params.decoder, params.ema]).toEqual([[], [], []]);
    expect(params.codebooks.map(({ shape }) => shape)).toEqual([
      [4, 5],
      [4, 5],
    ]);
  });
});

describe('generateSemanticIds', () => {
  it('tells all items of small groups apart by codes alone when the last level is balanced', async () => {
    await selectBackend('cpu');
    for (const settings of [{}, { distance: 'cosine' }, { normaliseResiduals: true }]) {
      const config = rqvaeSchema.parse({ ...small, codebookSize: 25, tokenizer: 'residual-kmeans', ...settings });
      const params = await initCodebooks(initRqvae(key, embeddings, config), embeddings, config, key);
      const plain = await generateSemanticIds(params, embeddings, config);
      const balanced = await generateSemanticIds(params, embeddings, { ...config, balanceLastLevel: true });
      expect(measureCollisions(balanced).distinctTuples).toBe(1);
      expect(measureCollisions(plain).distinctTuples).toBeLessThanOrEqual(1);
      expect(plain.numItems).toBe(50);
    }
  });
});

describe('evaluateReconstruction', () => {
  it('is that of the nearest code vectors for residual k-means', async () => {
    await selectBackend('cpu');
    const config = rqvaeSchema.parse({ ...small, tokenizer: 'residual-kmeans', inputNormalisation: 'none' });
    const params = await initCodebooks(initRqvae(key, embeddings, config), embeddings, config, key);
    const { codes } = await quantizeItems(params, embeddings, config);
    const vectors = await Promise.all(params.codebooks.map((codebook) => codebook.data()));
    const latents = await encodeItems(params, embeddings, config);
    const squares = latents.map((value, at) => {
      const [item, i] = [Math.floor(at / 5), at % 5];
      return (value - vectors[0][codes[item * 2] * 5 + i] - vectors[1][codes[item * 2 + 1] * 5 + i]) ** 2;
    });
    const { mse, rmse } = await evaluateReconstruction(params, embeddings, config);
    expect(mse).toBeCloseTo(squares.reduce((a, b) => a + b, 0) / squares.length, 4);
    expect(rmse).toBeCloseTo(Math.sqrt(mse), 10);
  });
});

function load(quantize: RqvaeConfig['quantize']): { config: RqvaeConfig; params: RqvaeParams; fixture: Fixture } {
  const path = new URL(`../../../test/golden/rqvae/${quantize}.json`, import.meta.url);
  const fixture: Fixture = JSON.parse(readFileSync(path, 'utf8'));
  const { levels, codebookSize, commitmentWeight } = fixture;
  const sizes = { levels, codebookSize, commitmentWeight, latentDim: 3, hiddenDims: [7] };
  const config = rqvaeSchema.parse({ ...sizes, quantize, inputNormalisation: 'none' });
  const empty = initRqvae(key, embeddings, config);
  const params = mapParams(empty, (tensor, name) =>
    name in fixture.params ? tf.tensor(fixture.params[name], tensor.shape) : tensor,
  );
  return { config, params, fixture };
}

function meanSquare(values: number[]): number {
  return values.reduce((sum, value) => sum + value ** 2, 0) / values.length;
}
