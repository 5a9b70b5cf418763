import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dropout, selectBackend, tf } from '@codebeam/backend';
import { createGenerator, createKey, foldIn, permutation } from '@codebeam/random';
import { beforeEach, describe, expect, it } from 'vitest';
import { backends } from '../../backend/fixtures/backends.js';
import { adamw } from './adamw.js';
import { keepCheckpoints, validate } from './callbacks.js';
import { checkpointPath, listCheckpoints, resume } from './checkpoint.js';
import { type Callback, fit } from './fit.js';
import { linear } from './schedules.js';

/** A two-layer regression that uses all that a run depends on: shuffling, dropout, schedule, moments, validations. */
type Net = { hidden: { weight: tf.Tensor; bias: tf.Tensor }; out: tf.Tensor };
const seed = 4;
const inputs = Array.from({ length: 12 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
const numSteps = 20;

function createNet(): Net {
  const draw = createGenerator(createKey(seed, 'init'));
  const normal = (rows: number, columns: number) =>
    tf.tensor2d(Float32Array.from({ length: rows * columns }, draw.normal), [rows, columns]);
  return { hidden: { weight: normal(2, 8), bias: tf.zeros([8]) }, out: normal(8, 1) };
}

function squaredError({ hidden, out }: Net, rows: readonly number[], drop = (x: tf.Tensor) => x): tf.Scalar {
  const x = tf.tensor2d(rows.map((row) => inputs[row])); // [B, 2]
  const y = tf.tensor2d(rows.map((row) => [inputs[row][0] * inputs[row][1]])); // [B, 1]
  const h = drop(tf.tanh(tf.add(tf.matMul(x, hidden.weight), hidden.bias))); // [B, 8]
  return tf.mean(tf.squaredDifference(tf.matMul(h, out), y));
}

/** Trains in a folder, from its newest checkpoint if it has one, and returns the losses of the steps taken. */
async function train(directory: string, { killAt = 0, warn = (_: string) => {} } = {}): Promise<number[]> {
  const losses: number[] = [];
  const kill: Callback<Net> = (event) => {
    if (event.kind !== 'step') return;
    losses.push(event.loss);
    if (event.state.step === killAt) throw new Error('killed');
  };
  const interval = { every: 3, unit: 'step' } as const; // an epoch has two steps: some saves fall within one
  await fit<Net, number[]>({
    start: await resume(directory, createNet(), 'config-a', { warn }),
    loss: (net, rows, { key }) => ({ loss: squaredError(net, rows, (x) => dropout(x, 0.1, key)) }),
    batches: (epoch) => {
      const order = Array.from(permutation(foldIn(createKey(seed, 'shuffle'), epoch), inputs.length));
      return [0, 4, 8].map((first) => order.slice(first, first + 4));
    },
    optimizer: adamw({ learningRate: 0.02, weightDecay: 0.01 }),
    schedule: linear({ warmupSteps: 5, totalSteps: numSteps + 1 }),
    accumulate: 2,
    clipNorm: 1,
    maxSteps: numSteps,
    seed,
    callbacks: [
      validate({ every: 4, unit: 'step', evaluate: async (net) => ({ loss: await measure(net) }) }),
      keepCheckpoints({ directory, configHash: 'config-a', ...interval, best: { metric: 'loss', mode: 'min', k: 2 } }),
      kill,
    ],
  });
  return losses;
}

async function measure(net: Net): Promise<number> {
  const loss = tf.tidy(() => squaredError(net, Array.from(inputs.keys())));
  const [value] = await loss.data();
  loss.dispose();
  return value;
}

async function digestFiles(directory: string): Promise<Record<string, string>> {
  const names = await readdir(directory);
  const digest = async (name: string) =>
    createHash('sha256')
      .update(await readFile(join(directory, name)))
      .digest('hex');
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await digest(name)])));
}

describe.each(backends)('a run on %s', (backend) => {
  let whole: string;
  let losses: number[];
  let directory: string;
  beforeEach(async () => {
    await selectBackend(backend);
    if (!losses) {
      whole = await mkdtemp(join(tmpdir(), 'replay-'));
      losses = await train(whole);
    }
    directory = await mkdtemp(join(tmpdir(), 'replay-'));
  });

  it('learns', () => {
    expect(losses).toHaveLength(numSteps);
    expect(losses[numSteps - 1]).toBeLessThan(losses[0] / 2);
  });

  it('has the same losses and files, bit for bit, each time', async () => {
    expect(await train(directory)).toEqual(losses);
    expect(await digestFiles(directory)).toEqual(await digestFiles(whole));
  });

  it('ends with the same files after being killed at any step', async () => {
    const expected = await digestFiles(whole);
    for (let step = 1; step <= numSteps; step++) {
      await expect(train(directory, { killAt: step })).rejects.toThrow('killed');
      const tail = await train(directory);
      expect(tail).toEqual(losses.slice(numSteps - tail.length));
      expect(await digestFiles(directory)).toEqual(expected);
      await rm(directory, { recursive: true });
    }
  });

  it('ends with the same files after being killed at every step, one after another', async () => {
    for (let step = 1; step <= numSteps; step++) {
      await expect(train(directory, { killAt: step })).rejects.toThrow('killed');
    }
    await train(directory);
    expect(await digestFiles(directory)).toEqual(await digestFiles(whole));
  });

  it('goes back to the checkpoint before a damaged one, and ends with the same files', async () => {
    await expect(train(directory, { killAt: 7 })).rejects.toThrow('killed');
    const [newest] = await listCheckpoints(directory);
    await truncate(checkpointPath(directory, newest), 900);
    await writeFile(join(directory, `.step-00000008.safetensors.1234.tmp`), 'half');
    const warnings: string[] = [];
    expect(await train(directory, { warn: (message) => warnings.push(message) })).toEqual(losses.slice(4));
    expect(warnings).toEqual([expect.stringMatching(/step-00000006.* damaged .*the checkpoint before it is tried$/)]);
    expect(await digestFiles(directory)).toEqual(await digestFiles(whole));
  });
});
