import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend, tf } from '@codebeam/backend';
import { encodeSafetensors } from '@codebeam/data';
import { flattenParams } from '@codebeam/nn';
import { assignSemanticIds } from '@codebeam/rqvae';
import {
  createTigerModel,
  createVocabulary,
  evaluateGeneration,
  informativePositions,
  initTiger,
  tigerSchema,
} from '@codebeam/tiger';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadParams, saveParams } from './checkpoint.js';
import { type TrainTigerOptions, tigerTrainingSchema, trainTiger } from './train-tiger.js';

// Twelve users walk round a ring of eight items.
const numItems = 8;
const walks = Array.from({ length: 12 }, (_, user) => Array.from({ length: 6 }, (_, i) => (user + i) % numItems));
const sequences = {
  offsets: Int32Array.from({ length: walks.length + 1 }, (_, i) => i * 6),
  items: Int32Array.from(walks.flat()),
};
const ids = assignSemanticIds(
  Int32Array.from({ length: numItems }, (_, item) => item % 4),
  1,
  4,
);
const cases = walks.map((walk, user) => ({ user, history: Int32Array.from(walk), target: (user + 6) % numItems }));

const options = (training: object = {}, config: object = {}): TrainTigerOptions => ({
  sequences,
  ids,
  config: tigerSchema.parse({
    ...config,
    modelWidth: 16,
    encoderLayers: 1,
    decoderLayers: 1,
    heads: 2,
    headWidth: 8,
    feedForwardWidth: 32,
  }),
  training: tigerTrainingSchema.parse({
    maxSteps: 12,
    maxEpochs: 0,
    batchSize: 16,
    learningRate: 5e-3,
    progressBar: false,
    checkpointInterval: 2,
    validationUnit: 'step',
    validationInterval: 5,
    ...training,
  }),
  validation: {
    metric: 'ndcg@3',
    evaluate: (model) => evaluateGeneration(model, cases, { ks: [3], beamWidth: 4, maskHistory: true }),
  },
});

async function bytesOf({ model }: Awaited<ReturnType<typeof trainTiger>>): Promise<Buffer> {
  const tensors = Object.entries(flattenParams(model.params)).map(async ([name, tensor]) => {
    return [name, { dtype: 'F32', shape: tensor.shape, data: (await tensor.data()) as Float32Array }] as const;
  });
  return Buffer.from(encodeSafetensors(Object.fromEntries(await Promise.all(tensors))));
}

describe('trainTiger', () => {
  let folder: string;
  beforeEach(async () => {
    await selectBackend();
    folder = await mkdtemp(join(tmpdir(), 'train-tiger-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it.each(['codes', 'items'])('learns where the walk goes on, from %s', async (encoderReads) => {
    const training = { maxSteps: 200, validationInterval: 100 };
    const { model, validations } = await trainTiger(options(training, { encoderReads }));
    expect(validations).toHaveLength(2);
    const metrics = await evaluateGeneration(model, cases, { ks: [1], beamWidth: 4, maskHistory: true });
    expect(metrics['recall@1']).toBe(1);
  });

  it('learns what a teacher says in place of what followed', async () => {
    // It says that the walk goes back.
    const teacher = {
      size: 1,
      items: sequences.items.map((_, place) => (place % 6 === 0 ? 0 : (sequences.items[place - 1] + 7) % numItems)),
      cumulative: Float32Array.from(sequences.items, (_, place) => (place % 6 === 0 ? 0 : 1)),
    };
    const run = options({ maxSteps: 200, teacherShare: 1 }, { encoderReads: 'items' });
    const { model } = await trainTiger({ ...run, teacher });
    const back = cases.map(({ history, ...rest }) => ({ ...rest, history, target: (history[5] + 7) % numItems }));
    const metrics = await evaluateGeneration(model, back, { ks: [1], beamWidth: 4, maskHistory: false });
    expect(metrics['recall@1']).toBe(1);
    await expect(trainTiger(run)).rejects.toThrow('trainers: teacherShare must be 0 without a teacher, got 1');
  });

  it.each([
    [{ histories: 'prefixes' }, {}],
    [{ histories: 'sub-sequences' }, {}],
    [{ batchSize: 3, teacherShare: 0.5 }, { encoderReads: 'items' }],
  ])('ends with the same bytes when it is killed at any step and run again: %o %o', async (training, config) => {
    const teacher = {
      size: 2,
      items: Int32Array.from({ length: 2 * sequences.items.length }, (_, i) => i % numItems),
      cumulative: Float32Array.from({ length: 2 * sequences.items.length }, (_, i) => [0.5, 1][i % 2]),
    };
    const run = { ...options(training, config), teacher };
    const undisturbed = await bytesOf(await trainTiger({ ...run, stateFolder: join(folder, 'whole') }));
    for (const killedAt of [1, 5, 6, 11]) {
      const stateFolder = join(folder, String(killedAt));
      const killed = trainTiger({
        ...run,
        stateFolder,
        callbacks: [
          ({ kind, state }) => {
            if (kind === 'step' && state.step === killedAt) throw new Error('killed');
          },
        ],
      });
      await expect(killed).rejects.toThrow('killed');
      expect(undisturbed.equals(await bytesOf(await trainTiger({ ...run, stateFolder })))).toBe(true);
    }
  });

  it('has no token for a position with one code, and its weights are read back', async () => {
    const unique = assignSemanticIds(
      Int32Array.from({ length: numItems }, (_, item) => item),
      1,
      numItems,
    );
    const { config } = options();
    const { model } = await trainTiger({ ...options({ maxSteps: 2 }), ids: unique });
    expect(unique.sizes).toEqual([numItems, 1]);
    expect(model.params.embedding.shape[0]).toBe(1 + numItems);
    await saveParams(join(folder, 'model.safetensors'), model.params);
    const expected = initTiger(config, createVocabulary(informativePositions(unique), config), 1);
    const params = await loadParams(join(folder, 'model.safetensors'), expected);
    const settings = { ks: [1, 3], beamWidth: 4, maskHistory: true };
    const found = await evaluateGeneration(createTigerModel(config, unique, params), cases, settings);
    expect(found).toEqual(await evaluateGeneration(model, cases, settings));
  });

  it('refuses the checkpoints of another config', async () => {
    await trainTiger({ ...options(), stateFolder: folder });
    await expect(trainTiger({ ...options({ learningRate: 1e-4 }), stateFolder: folder })).rejects.toThrow(
      /must be of config [0-9a-f]{16}, got one of config/,
    );
  });

  it.each<[string, Partial<TrainTigerOptions>]>([
    ['sequences', { sequences: { ...sequences, items: sequences.items.toReversed() } }],
    ['semantic IDs', { ids: assignSemanticIds(Int32Array.of(3, 2, 1, 0, 3, 2, 1, 0), 1, 4) }],
    ['teacher', { teacher: { size: 1, items: sequences.items, cumulative: new Float32Array(sequences.items.length) } }],
  ])('refuses the checkpoints of other %s', async (_, other) => {
    await trainTiger({ ...options(), stateFolder: folder });
    await expect(trainTiger({ ...options(), ...other, stateFolder: folder })).rejects.toThrow(
      /must be of config [0-9a-f]{16}, got one of config .* go back to that config and its data/,
    );
  });

  it('refuses users of one item each, whatever the encoder reads', async () => {
    const single = { offsets: Int32Array.of(0, 1, 2), items: Int32Array.of(1, 2) };
    for (const encoderReads of ['codes', 'items']) {
      await expect(trainTiger({ ...options({}, { encoderReads }), sequences: single })).rejects.toThrow(
        'users need two items in the training part',
      );
    }
  });

  describe('whose best validation is not the last', () => {
    const run = (saveTopK: number): TrainTigerOptions => {
      let step = 0;
      return {
        ...options({ saveTopK, validationInterval: 4 }),
        callbacks: [
          ({ state }) => {
            step = state.step;
          },
        ],
        validation: { metric: 'closeness', evaluate: async () => ({ closeness: -Math.abs(8 - step) }) },
        stateFolder: folder,
      };
    };
    const damageBest = async () => {
      const path = join(folder, 'checkpoints', 'step-00000008.safetensors');
      const bytes = await readFile(path);
      bytes[bytes.length - 1] ^= 1;
      await writeFile(path, bytes);
    };

    it('returns it, however few checkpoints are kept', async () => {
      const { stateFolder: _, ...short } = { ...run(0), ...options({ maxSteps: 8 }) };
      const best = await bytesOf(await trainTiger(short));
      expect(best.equals(await bytesOf(await trainTiger(run(0))))).toBe(true);
    });

    it('goes on from before it where its checkpoint is damaged', async () => {
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
      const best = await bytesOf(await trainTiger(run(3)));
      await damageBest();
      expect(best.equals(await bytesOf(await trainTiger(run(3))))).toBe(true);
      expect(warn.mock.calls.flat().join()).toMatch(/step-00000008.* is damaged; the checkpoint before it is tried/);
      warn.mockClear();
      expect(best.equals(await bytesOf(await trainTiger(run(3))))).toBe(true);
      expect(warn).not.toHaveBeenCalled();
    });

    it('says what to delete where no checkpoint before it is kept', async () => {
      await trainTiger(run(1));
      await damageBest();
      const message = `trainers: ${join(folder, 'checkpoints')} must hold an intact checkpoint`;
      await expect(trainTiger(run(1))).rejects.toThrow(message);
    });
  });

  it('returns the best validated state and logs what it did', async () => {
    const { model, validations } = await trainTiger({
      ...options({ maxSteps: 60, learningRate: 0.02 }),
      stateFolder: folder,
      logFolder: folder,
    });
    const best = Math.max(...validations.map(({ metrics }) => metrics['ndcg@3']));
    const found = await evaluateGeneration(model, cases, { ks: [3], beamWidth: 4, maskHistory: true });
    expect(found['ndcg@3']).toBe(best);
    const logs = join(folder, 'logs', 'experiment');
    expect((await readdir(logs)).some((name) => name.startsWith('events.out.tfevents.'))).toBe(true);
    const lines = (await readFile(join(logs, 'metrics.jsonl'), 'utf8')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line)).filter((entry) => 'loss' in entry)).toHaveLength(
      validations[validations.length - 1].step,
    );
  });

  it('leaves no tensors behind but the parameters', async () => {
    const before = tf.memory().numTensors;
    const { model } = await trainTiger({ ...options(), stateFolder: folder });
    expect(tf.memory().numTensors - before).toBe(Object.keys(flattenParams(model.params)).length);
  });
});
