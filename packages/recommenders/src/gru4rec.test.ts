import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend, tf } from '@codebeam/backend';
import { packSequences } from '@codebeam/data';
import { flattenParams, mapParams, type Params } from '@codebeam/nn';
import { createKey } from '@codebeam/random';
import { listCheckpoints } from '@codebeam/trainers';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TrainingData } from './define-recommender.js';
import {
  type Gru4recStep,
  gru4rec,
  gru4recLoss,
  gru4recSchema,
  gru4recSteps,
  initGru4rec,
  lastStates,
} from './gru4rec.js';

const numItems = 12;
/** Item i is followed by 5 i + 1 mod 12; sessions of 2 to 6 events. */
const successor = (item: number) => (5 * item + 1) % numItems;
function chain(length: number, first: number): Int32Array {
  const items = [first];
  while (items.length < length) items.push(successor(items[items.length - 1]));
  return Int32Array.from(items);
}
const sessions = Array.from({ length: 120 }, (_, i) => chain(2 + (i % 5), (7 * i) % numItems));
const data: TrainingData = { sequences: packSequences(sessions), numItems, fittedOn: 'train' };
const training = { batchSize: 8, maxEpochs: 10, progressBar: false };

const embeddings = {
  constrained: {},
  separate: { constrainedEmbedding: false, embedding: 5 },
  'one-hot': { constrainedEmbedding: false },
};
const kinds = Object.entries(embeddings);

describe('GRU4Rec', () => {
  beforeAll(async () => {
    await selectBackend();
  });

  it.each(kinds)('learns which item follows which: recall@1 is 1 (%s)', async (_, options) => {
    for (const loss of ['cross-entropy', 'bpr-max']) {
      const recommender = await gru4rec.fit(data, { ...options, loss, layers: [24], numSamples: 16, training });
      const histories = Array.from({ length: numItems }, (_, first) => chain(3, first));
      const { items } = await recommender.recommend(histories, 1, { maskHistory: false });
      expect([...items]).toEqual(histories.map((history) => successor(history[2])));
    }
  });

  it('works with fewer sessions than the batch has slots', async () => {
    const few = { ...data, sequences: packSequences(sessions.slice(0, 3)) };
    const recommender = await gru4rec.fit(few, {
      layers: [8],
      numSamples: 4,
      training: { ...training, batchSize: 64 },
    });
    expect([...(await recommender.score([chain(2, 0)]))].every(Number.isFinite)).toBe(true);
  });

  it('reads sessions by their first events, and in their order where there are no times', async () => {
    const options = { layers: [8], numSamples: 4, training: { ...training, maxEpochs: 1 } };
    const scores = async (order: readonly number[], times?: readonly number[]) => {
      const sequences = packSequences(order.map((session) => sessions[session]));
      const timed = times && { firstTimes: Float64Array.from(order, (session) => times[session]) };
      return (await gru4rec.fit({ ...data, sequences, ...timed }, options)).score([chain(2, 0)]);
    };
    const order = Array.from(sessions.keys());
    const shuffled = order.toSorted((a, b) => ((7 * a) % 120) - ((7 * b) % 120) || a - b);
    expect(await scores(shuffled, order)).toEqual(await scores(order));
    expect(await scores(shuffled)).not.toEqual(await scores(order));
  });

  it('reads embeddings as wide as the first layer where it is told so', () => {
    const config = gru4recSchema.parse({ layers: [6, 4], constrainedEmbedding: false, embedding: 'layersize' });
    expect(initGru4rec(config, numItems, 3, 1).inputs?.shape).toEqual([numItems, 6]);
  });

  it.each(kinds)('has the gradients of finite differences (%s)', (_, options) => {
    for (const loss of ['cross-entropy', 'bpr-max'] as const) {
      // An ELU of parameter 1 has no kink at 0.
      const config = gru4recSchema.parse({ ...options, loss, layers: [6, 4], numSamples: 5, logq: 1, eluParam: 1 });
      const key = createKey(1, 'shuffle');
      const [, step] = gru4recSteps(data.sequences, numItems, { ...config, batchSize: 3, key });
      const whole = initGru4rec(config, numItems, 3, 1);
      whole.carried = [tf.randomNormal([3, 6], 0, 0.5, 'float32', 1), tf.randomNormal([3, 4], 0, 0.5, 'float32', 2)];
      const params = rowsOf(whole, step);
      const at = (all: typeof params) => gru4recLoss(all, step, config).loss;
      for (const [name, tensor] of Object.entries(flattenParams(params))) {
        if (name.startsWith('carried')) continue;
        const direction = tf.randomNormal(tensor.shape, 0, 1, 'float32', 3);
        const moved = (x: tf.Tensor) => at(mapParams(params, (old, other) => (other === name ? x : old)));
        const slope = tf.sum(tf.mul(tf.grad(moved)(tensor), direction)).dataSync()[0];
        const [up, down] = [1e-2, -1e-2].map((h) => moved(tf.add(tensor, tf.mul(direction, h))).dataSync()[0]);
        expect(Math.abs(slope - (up - down) / 2e-2)).toBeLessThan(2e-3 * Math.max(1, Math.abs(slope)));
      }
    }
  });

  it('a session that begins knows nothing of the one before in its slot', () => {
    const config = gru4recSchema.parse({ layers: [4], numSamples: 0 });
    const carried = [tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [2, 4])];
    const params = { ...initGru4rec(config, numItems, 2, 1), carried };
    const step = {
      inputs: Int32Array.of(1, 1),
      outputs: Int32Array.of(2, 3),
      rows: {},
    };
    const states = (from: number[]) =>
      gru4recLoss(params, { ...step, from: Int32Array.from(from) }, config).updates![
        'carried.0'
      ].arraySync() as number[][];
    const fresh = lastStates(params, [Int32Array.of(1)]).arraySync()[0];
    expect(states([1, -1])[1]).toEqual(fresh.map((x) => expect.closeTo(x, 6)));
    expect(states([1, -1])[0]).toEqual(states([0, 1])[1]); // a slot that moves takes its state along
    expect(states([0, 1])[0]).not.toEqual(states([0, 1])[1]);
  });

  it('keeps what dropout leaves of a state, and drops the rows of a one-hot layer as embeddings', () => {
    const key = createKey(3, 'dropout');
    const zeros = (options: object) => {
      const config = gru4recSchema.parse({ layers: [64], numSamples: 0, ...options });
      const params = initGru4rec(config, numItems, 2, 1);
      const step = { from: Int32Array.of(0, 1), inputs: Int32Array.of(1, 2), outputs: Int32Array.of(2, 3), rows: {} };
      const kept = gru4recLoss({ ...params, carried: [tf.zeros([2, 64])] }, step, config, key).updates!['carried.0'];
      return kept.dataSync().filter((x) => x === 0).length;
    };
    expect(zeros({})).toBe(0);
    expect(zeros({ hiddenDropout: 0.9 })).toBeGreaterThan(90);
    expect(zeros({ embeddingDropout: 0.9 })).toBe(0);
    const oneHot = { constrainedEmbedding: false, embedding: 0 };
    expect(zeros({ ...oneHot, hiddenDropout: 0.9 })).toBe(0);
    expect(zeros({ ...oneHot, embeddingDropout: 0.9 })).toBeGreaterThan(90);
  });

  it('corrects no scores under bpr-max', () => {
    const config = gru4recSchema.parse({ layers: [3], numSamples: 30, logq: 1, loss: 'bpr-max' });
    const sequences = packSequences([Int32Array.of(2, 0, 1), Int32Array.of(2, 1, 0)]);
    const [step] = gru4recSteps(sequences, 3, { ...config, batchSize: 2, key: createKey(1, 'shuffle') });
    expect(step.corrections).toBeUndefined();
  });

  it('corrects targets by their popularity and samples by that of the sampling', () => {
    // Scores of zero against counts 10, 5 and, of the sample, 2 with alpha .5.
    const sequences = packSequences([
      Int32Array.from([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
      Int32Array.of(2, 1, 1, 1, 1, 1),
    ]);
    const config = gru4recSchema.parse({ layers: [3], numSamples: 30, logq: 1 });
    const [step] = gru4recSteps(sequences, 3, { ...config, batchSize: 2, key: createKey(1, 'shuffle') });
    const items = Array.from(step.outputs, (place) => step.rows.items[place]);
    expect(items.slice(0, 2)).toEqual([0, 1]);
    expect([...step.corrections!.slice(0, 2)]).toEqual([Math.log(10), Math.log(5)].map(Math.fround));
    expect(items.indexOf(2)).toBeGreaterThan(1);
    expect(step.corrections![items.indexOf(2)]).toBeCloseTo(Math.log(2) / 2, 6);
  });

  it('cross-entropy with popularity correction by hand', () => {
    const config = gru4recSchema.parse({ layers: [3], logq: 1 });
    const params = initGru4rec(config, 3, 2, 1);
    // The output of the layer is steered through its carried state: update gates of 1 keep it.
    const keep = tf.concat([tf.zeros([3]), tf.fill([3], 50), tf.zeros([3])]) as tf.Tensor1D;
    const layers = params.layers.map((layer) => ({ ...layer, bias: keep }));
    const carried = [tf.tensor2d([1, 0, -1, 0.5, 2, 0], [2, 3])];
    const step: Gru4recStep = {
      from: Int32Array.of(0, 1),
      inputs: Int32Array.of(0, 0),
      outputs: Int32Array.of(0, 1, 2),
      corrections: Float32Array.of(Math.log(10), Math.log(5), 0.5 * Math.log(2)),
      rows: {},
    };
    const { loss } = gru4recLoss({ ...params, items: tf.eye(3, 4), layers, carried }, step, config);
    expect(2 * loss.dataSync()[0]).toBeCloseTo(1.454317, 5);
  });

  it('reads sessions of any length, together as one by one', async () => {
    const recommender = await gru4rec.fit(data, {
      layers: [8, 6],
      numSamples: 4,
      training: { ...training, maxEpochs: 1 },
    });
    const histories = [3, 0, 200, 1, 7, 200].map((length, i) => chain(length, i));
    const together = await recommender.score(histories);
    for (const [i, history] of histories.entries()) {
      const alone = await recommender.score([history]);
      for (const [item, score] of alone.entries()) expect(together[i * numItems + item]).toBeCloseTo(score, 6);
    }
  });

  it.each(['cross-entropy', 'bpr-max'])('goes on from a checkpoint bit for bit (%s)', async (loss) => {
    const options = {
      loss,
      layers: [8],
      numSamples: 4,
      momentum: 0.3,
      embeddingDropout: 0.2,
      hiddenDropout: 0.1,
      training: { ...training, maxEpochs: 2, checkpointInterval: 20 },
    };
    const stateFolder = mkdtempSync(join(tmpdir(), 'codebeam-gru4rec-'));
    try {
      const whole = await gru4rec.fit(data, options, { stateFolder });
      const [newest, before] = await listCheckpoints(stateFolder);
      expect(newest - before).toBeLessThan(20); // the run's end is in the middle of an interval
      rmSync(join(stateFolder, `step-${String(newest).padStart(8, '0')}.safetensors`));
      const resumed = await gru4rec.fit(data, options, { stateFolder });
      expect(await resumed.score(sessions)).toEqual(await whole.score(sessions));
      const other = { ...data, sequences: { ...data.sequences, items: data.sequences.items.toReversed() } };
      await expect(gru4rec.fit(other, options, { stateFolder })).rejects.toThrow('go back to that config and its data');
    } finally {
      rmSync(stateFolder, { recursive: true });
    }
  });

  it('leaves nothing behind in a step', async () => {
    const tensors: number[] = [];
    const options = { layers: [8], numSamples: 4, momentum: 0.1 };
    for (const maxEpochs of [1, 3]) {
      const before = tf.memory().numTensors;
      await gru4rec.fit(data, { ...options, training: { ...training, maxEpochs } });
      tensors.push(tf.memory().numTensors - before);
    }
    expect(tensors[1]).toBe(tensors[0]);
  });

  it('initialises by one stream, whatever the seed, in compatibility mode', () => {
    const config = gru4recSchema.parse({ layers: [50], compatibilityMode: true });
    const [one, other] = [1, 2].map((seed) => initGru4rec(config, 40, 2, seed));
    expect(one.items.dataSync()).toEqual(other.items.dataSync());
    const bound = Math.sqrt(6 / (40 + 50));
    const largest = Math.max(...one.items.dataSync().map(Math.abs));
    expect(largest).toBeLessThan(bound);
    expect(largest).toBeGreaterThan(0.99 * bound);
  });
});

/** What the training loop gives a loss: of the named tables the step's rows. */
function rowsOf<P extends Params>(params: P, { rows }: Gru4recStep): P {
  return mapParams(params, (tensor, name) =>
    rows[name] ? tf.gather(tensor, tf.tensor1d(rows[name], 'int32')) : tensor,
  );
}
