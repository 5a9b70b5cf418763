import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend, tf } from '@codebeam/backend';
import { disposeParams, flattenParams } from '@codebeam/nn';
import { createGenerator, createKey } from '@codebeam/random';
import {
  codebookUsage,
  evaluateReconstruction,
  generateSemanticIds,
  type RqvaeParams,
  rqvaeSchema,
} from '@codebeam/rqvae';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Callback } from './fit.js';
import { rqvaeTrainingSchema, trainRqvae } from './train-rqvae.js';

/** 120 items in twelve groups, each group a point of [4] repeated in a wider space with noise. */
const generator = createGenerator(createKey(1, 'sample'));
const centres = Array.from({ length: 12 * 4 }, () => generator.normal());
const embeddings = {
  values: Float32Array.from({ length: 120 * 8 }, (_, at) => {
    const [item, i] = [Math.floor(at / 8), at % 8];
    return centres[(item % 12) * 4 + (i % 4)] + 0.05 * generator.normal();
  }),
  rows: 120,
  dim: 8,
};

const run = (
  settings: object,
  knobs: object,
  more: { stateFolder?: string; logFolder?: string; callbacks?: Callback<RqvaeParams>[] } = {},
) => {
  const config = rqvaeSchema.parse({
    levels: 2,
    codebookSize: 12,
    latentDim: 4,
    hiddenDims: [16],
    deadCodeResetEpochs: 2,
    ...settings,
  });
  const training = rqvaeTrainingSchema.parse({
    maxEpochs: 6,
    batchSize: 32,
    learningRate: 5e-3,
    progressBar: false,
    checkpointInterval: 3,
    ...knobs,
  });
  return { config, training, result: trainRqvae({ embeddings, config, training, ...more }) };
};

const valuesOf = async (params: RqvaeParams) =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(flattenParams(params)).map(async ([name, x]) => [name, Array.from(await x.data())] as const),
    ),
  );

let folder: string;
beforeEach(async () => {
  await selectBackend();
  folder = await mkdtemp(join(tmpdir(), 'train-rqvae-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('trainRqvae', () => {
  it('learns to restore the items and uses all codes', async () => {
    const start = run({}, { maxEpochs: 1, learningRate: 1e-9 });
    const before = await evaluateReconstruction(await start.result, embeddings, start.config);
    const { config, result } = run({}, { maxEpochs: 40, learningRate: 2e-2 });
    const params = await result;
    const after = await evaluateReconstruction(params, embeddings, config);
    expect(after.mse).toBeLessThan(0.1 * before.mse);
    expect(after.cosineSimilarity).toBeGreaterThan(0.9);
    const ids = await generateSemanticIds(params, embeddings, config);
    for (const { usage } of codebookUsage(ids.codes, { levels: 2, codebookSize: 12, width: 3 })) {
      expect(usage).toBeGreaterThanOrEqual(0.9);
    }
  });

  it.each([{}, { codebookUpdate: 'ema' }])('ends with the same bits after a kill, with %o', async (settings) => {
    const undisturbed = await valuesOf(await run(settings, {}, { stateFolder: join(folder, 'a') }).result);
    // Batches: four per epoch. Step 7 falls within epoch 1, step 8 completes it and with it a reset of dead codes.
    for (const killAt of [2, 7, 8]) {
      const stateFolder = join(folder, String(killAt));
      const kill: Callback<RqvaeParams> = ({ kind, state }) => {
        if (kind === 'step' && state.step === killAt) throw new Error('killed');
      };
      await expect(run(settings, {}, { stateFolder, callbacks: [kill] }).result).rejects.toThrow('killed');
      expect(await valuesOf(await run(settings, {}, { stateFolder }).result)).toEqual(undisturbed);
    }
  });

  it('refuses a checkpoint of other embeddings', async () => {
    const { config, training, result } = run({}, { maxEpochs: 1 }, { stateFolder: folder });
    await result;
    const values = embeddings.values.with(0, 5);
    await expect(
      trainRqvae({ embeddings: { ...embeddings, values }, config, training, stateFolder: folder }),
    ).rejects.toThrow('must be of config');
  });

  it.each([{}, { codebookUpdate: 'ema' }])('brings dead codes back to life, with %o', async (settings) => {
    const usageWith = async (deadCodeResetEpochs: number) => {
      // Codes that start as noise far from all latents: most are never chosen.
      const banish: Callback<RqvaeParams> = ({ kind, state }) => {
        if (kind !== 'start') return;
        const far = tf.tensor2d([1, ...Array<number>(11).fill(1000)], [12, 1]);
        const { codebooks, ema } = state.params;
        codebooks[0] = tf.mul(codebooks[0], far);
        if (ema[0]) ema[0].sums = tf.mul(ema[0].sums, far);
      };
      const { config, result } = run({ ...settings, deadCodeResetEpochs }, { maxEpochs: 4 }, { callbacks: [banish] });
      const ids = await generateSemanticIds(await result, embeddings, config);
      return codebookUsage(ids.codes, { levels: 2, codebookSize: 12, width: 3 })[0].usage;
    };
    expect(await usageWith(0)).toBeLessThan(0.2);
    expect(await usageWith(2)).toBeGreaterThan(0.8);
  });

  it('only places codebooks for residual k-means', async () => {
    const { config, result } = run({ tokenizer: 'residual-kmeans' }, {});
    const params = await result;
    expect(params.encoder).toEqual([]);
    expect((await evaluateReconstruction(params, embeddings, config)).cosineSimilarity).toBeGreaterThan(0.99);
  });

  it('logs how the codebooks are used, and the code vectors', async () => {
    await run({}, { maxEpochs: 1 }, { logFolder: folder }).result;
    const files = await readdir(join(folder, 'logs', 'experiment', 'codebooks'));
    expect(files.some((name) => name.startsWith('events.out.tfevents'))).toBe(true);
    expect(files).toContain('projector_config.pbtxt');
    const lines = await readFile(join(folder, 'logs/experiment/codebooks/codebook-2.metadata.tsv'), 'utf8');
    expect(lines.split('\n').slice(0, 2)).toEqual(['code\titems', expect.stringMatching(/^0\t\d+$/)]);
  });

  it('leaves nothing behind but the parameters', async () => {
    const before = tf.memory().numTensors;
    for (const settings of [{}, { codebookUpdate: 'ema', quantize: 'rotation' }, { tokenizer: 'residual-kmeans' }]) {
      disposeParams(await run(settings, { maxEpochs: 2 }).result);
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});
