import { selectBackend, tf } from '@codebeam/backend';
import { disposeParams } from '@codebeam/nn';
import { beforeEach, describe, expect, it } from 'vitest';
import { backends } from '../../backend/fixtures/backends.js';
import { adagrad } from './adagrad.js';
import { adamw } from './adamw.js';
import { type Callback, type FitOptions, type FitState, fit } from './fit.js';
import type { Optimizer } from './optimizer.js';

type Line = { slope: tf.Tensor; offset: tf.Tensor };
type Point = { x: number; y: number };

/** Plain gradient descent, so that updates can be worked out by hand. */
const descent = (learningRate: number): Optimizer => ({
  learningRate,
  init: () => ({}),
  update: (params, gradients, _moments, { learningRate, gradientScale = tf.scalar(1) }) => ({
    params: Object.fromEntries(
      Object.entries(gradients).map(([name, g]) => [
        name,
        tf.sub(params[name], tf.mul(tf.mul(g, gradientScale), learningRate)),
      ]),
    ),
    moments: {},
  }),
});

const line = (slope = 0, offset = 0): Line => ({ slope: tf.scalar(slope), offset: tf.scalar(offset) });
const squaredError = ({ slope, offset }: Line, { x, y }: Point) => {
  const error = tf.sub(tf.add(tf.mul(slope, x), offset), y);
  return { loss: tf.square(error) as tf.Scalar, metrics: { error: tf.abs(error) as tf.Scalar } };
};
const options = (more: Partial<FitOptions<Line, Point>> = {}): FitOptions<Line, Point> => ({
  start: { params: line() },
  loss: squaredError,
  batches: () => [
    { x: 1, y: 2 },
    { x: 3, y: 4 },
  ],
  optimizer: descent(0.1),
  maxSteps: 1,
  seed: 1,
  ...more,
});
const values = async (params: Line) => [(await params.slope.data())[0], (await params.offset.data())[0]];
const record = () => {
  const events: string[] = [];
  const callback: Callback<Line> = (event) => {
    events.push(`${event.kind} ${event.state.step} ${event.state.epoch}/${event.state.batch}`);
  };
  return { events, callback };
};

describe.each(backends)('fit on %s', (backend) => {
  beforeEach(async () => {
    await selectBackend(backend);
  });

  it('moves the parameters against the gradient', async () => {
    // d/d slope (0 - 2)^2 = -4 x = -4, the same for the offset.
    const state = await fit(options());
    expect(await values(state.params)).toEqual([expect.closeTo(0.4, 6), expect.closeTo(0.4, 6)]);
    expect(state).toMatchObject({ step: 1, epoch: 0, batch: 1 });
  });

  it('shows a batch the rows it is about, and leaves the other rows and their moments as they are', async () => {
    const start = () => tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    // The first step is about row 2 and the second about row 0; both read row 1, which has no gradient.
    const train = (rows: boolean) =>
      fit<{ table: tf.Tensor }, number>({
        start: { params: { table: start() } },
        batches: () => [0, 1],
        loss: ({ table }, first) => {
          expect(table.shape).toEqual([rows ? 2 : 3, 2]);
          const chosen = tf.tensor1d([rows ? 0 : 2 - 2 * first], 'int32');
          return { loss: tf.sum(tf.gather(table, chosen)) as tf.Scalar };
        },
        ...(rows && { rows: (first: number) => ({ table: Int32Array.of(2 - 2 * first, 1) }) }),
        optimizer: adagrad({ learningRate: 0.5, epsilon: 0, initialSquares: 3 }),
        epochs: 1,
        seed: 1,
      });
    const [sparse, dense] = [await train(true), await train(false)];
    expect(await sparse.params.table.data()).toEqual(await dense.params.table.data());
    expect(await sparse.optimizer['squares.table'].data()).toEqual(Float32Array.of(4, 4, 3, 3, 4, 4));
    expect(await sparse.params.table.data()).toEqual(Float32Array.of(0.75, 1.75, 3, 4, 4.75, 5.75));
    disposeParams([sparse.params, sparse.optimizer, dense.params, dense.optimizer]);
  });

  it('averages loss, metrics and gradients over accumulated batches', async () => {
    // Errors -2 at x = 1 and -4 at x = 3: slope gradients -4 and -24, offset gradients -4 and -8.
    const reports: unknown[] = [];
    const state = await fit(
      options({ accumulate: 2, callbacks: [(event) => void (event.kind === 'step' && reports.push(event))] }),
    );
    expect(await values(state.params)).toEqual([expect.closeTo(1.4, 6), expect.closeTo(0.6, 6)]);
    expect(reports).toMatchObject([
      { loss: 10, metrics: { error: 3 }, learningRate: 0.1, gradientNorm: expect.closeTo(Math.hypot(14, 6), 5) },
    ]);
  });

  it('scales the gradients to the clipping norm and leaves smaller ones as they are', async () => {
    const clipped = await fit(options({ clipNorm: 1 }));
    expect(await values(clipped.params)).toEqual([expect.closeTo(0.0707107, 6), expect.closeTo(0.0707107, 6)]);
    const free = await fit(options({ maxSteps: 3 }));
    const unclipped = await fit(options({ maxSteps: 3, clipNorm: 1000 }));
    expect(await values(unclipped.params)).toEqual(await values(free.params));
  });

  it('follows the schedule with the first step at 1', async () => {
    const steps: number[] = [];
    const schedule = (step: number) => {
      steps.push(step);
      return 0;
    };
    const state = await fit(options({ schedule, maxSteps: 3 }));
    expect(steps).toEqual([1, 2, 3]);
    expect(await values(state.params)).toEqual([0, 0]);
  });

  it('moves only trainable parameters and keeps no moments for the others', async () => {
    const optimizer = adamw({ learningRate: 0.1 });
    const state = await fit(options({ optimizer, trainable: (name) => name === 'offset' }));
    expect(await values(state.params)).toEqual([0, expect.closeTo(0.1, 5)]);
    expect(Object.keys(state.optimizer)).toEqual(['first.offset', 'second.offset']);
  });

  it('leaves parameters alone that the loss does not use', async () => {
    const loss = ({ slope }: Line) => ({ loss: tf.square(tf.sub(slope, 1)) as tf.Scalar });
    const state = await fit(options({ loss, start: { params: line(0, 5) }, optimizer: adamw({ learningRate: 0.1 }) }));
    expect(await values(state.params)).toEqual([expect.closeTo(0.1, 5), 5]);
  });

  it('sets updates after the step', async () => {
    const loss = (params: Line, point: Point) => ({
      ...squaredError(params, point),
      updates: { offset: tf.add(params.offset, point.x) },
    });
    const trainable = (name: string) => name === 'slope';
    const state = await fit(options({ loss, trainable, accumulate: 2 }));
    expect(await values(state.params)).toEqual([expect.closeTo(1.4, 6), 2]);
  });

  it('gives each step and each accumulated batch another key', async () => {
    const keys: string[] = [];
    const loss: typeof squaredError = (
      params,
      point,
      { key }: { key: readonly [number, number] } = { key: [0, 0] },
    ) => {
      keys.push(String(key));
      return squaredError(params, point);
    };
    await fit(options({ loss, accumulate: 2, maxSteps: 3 }));
    expect(new Set(keys).size).toBe(6);
  });

  it('holds as many tensors and bytes after each step as before', async () => {
    const counts: string[] = [];
    const loss = (params: Line, point: Point) => ({
      ...squaredError(params, point),
      updates: { offset: tf.mul(params.offset, 0.9) },
    });
    const callback: Callback<Line> = () => {
      const { numTensors, numBytes } = tf.memory();
      counts.push(`${numTensors} tensors, ${numBytes} bytes`);
    };
    const before = tf.memory().numTensors;
    const optimizer = adamw({ learningRate: 0.1, weightDecay: 0.1 });
    const state = await fit(
      options({ loss, optimizer, clipNorm: 0.5, accumulate: 2, epochs: 6, maxSteps: undefined, callbacks: [callback] }),
    );
    expect(new Set(counts).size).toBe(1);
    disposeParams(state.params);
    disposeParams(state.optimizer);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('names the step when the loss is not finite', async () => {
    const batches = () => [
      { x: 1, y: 2 },
      { x: Number.NaN, y: 0 },
    ];
    await expect(fit(options({ batches, maxSteps: 5 }))).rejects.toThrow(
      'trainers: loss must be finite, got NaN at step 2 of epoch 0; lower the learning rate',
    );
  });

  it('says so when only a gradient is not finite', async () => {
    const loss = ({ slope }: Line) => ({ loss: tf.sqrt(slope) as tf.Scalar });
    await expect(fit(options({ loss }))).rejects.toThrow(
      'trainers: gradient norm must be finite, got Infinity at step 1',
    );
  });
});

describe('fit', () => {
  beforeEach(async () => {
    await selectBackend('cpu');
  });

  it('tells callbacks of the start, steps, epochs and the end', async () => {
    const { events, callback } = record();
    await fit(options({ epochs: 2, maxSteps: undefined, callbacks: [callback] }));
    expect(events).toEqual([
      'start 0 0/0',
      'step 1 0/1',
      'step 2 0/2',
      'epoch 2 1/0',
      'step 3 1/1',
      'step 4 1/2',
      'epoch 4 2/0',
      'end 4 2/0',
    ]);
  });

  it('completes the epoch when its last batch is the last step', async () => {
    const { events, callback } = record();
    await fit(options({ maxSteps: 2, callbacks: [callback] }));
    expect(events.slice(-3)).toEqual(['step 2 0/2', 'epoch 2 1/0', 'end 2 1/0']);
  });

  it('stops when a callback says so, after the others have heard the event', async () => {
    const { events, callback } = record();
    await fit(options({ epochs: 9, callbacks: [({ state }) => (state.step === 1 ? 'stop' : undefined), callback] }));
    expect(events).toEqual(['start 0 0/0', 'step 1 0/1', 'end 1 0/1']);
  });

  it('completes an epoch whose last step stopped the run, also after a kill at that step', async () => {
    const killed: FitState<Line> = { params: line(), optimizer: {}, step: 2, epoch: 0, batch: 2, validations: [] };
    const { events, callback } = record();
    const stopAtTwo: Callback<Line> = ({ state }) => (state.step === 2 ? 'stop' : undefined);
    await fit(options({ maxSteps: 9, callbacks: [stopAtTwo, callback] }));
    expect(events.slice(-3)).toEqual(['step 2 0/2', 'epoch 2 1/0', 'end 2 1/0']);
    await fit(options({ start: killed, maxSteps: 9, callbacks: [stopAtTwo, callback] }));
    expect(events.slice(-3)).toEqual(['start 2 0/2', 'epoch 2 1/0', 'end 2 1/0']);
  });

  it('takes no step when a callback stops it at the start', async () => {
    const { events, callback } = record();
    await fit(options({ callbacks: [() => 'stop', callback] }));
    expect(events).toEqual(['start 0 0/0', 'end 0 0/0']);
  });

  it('awaits callbacks in their order', async () => {
    const heard: string[] = [];
    const slow: Callback<Line> = async ({ kind }) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      heard.push(`slow ${kind}`);
    };
    await fit(options({ callbacks: [slow, ({ kind }) => void heard.push(`quick ${kind}`)] }));
    expect(heard.slice(0, 4)).toEqual(['slow start', 'quick start', 'slow step', 'quick step']);
  });

  it('updates with the batches that are left at the end of an epoch', async () => {
    const batches = () => [1, 2, 3].map((x) => ({ x, y: 1 }));
    const { events, callback } = record();
    await fit(options({ batches, accumulate: 2, epochs: 1, maxSteps: undefined, callbacks: [callback] }));
    expect(events).toEqual(['start 0 0/0', 'step 1 0/2', 'step 2 0/3', 'epoch 2 1/0', 'end 2 1/0']);
  });

  it('refuses options that make no sense', async () => {
    await expect(fit(options({ maxSteps: undefined }))).rejects.toThrow('trainers: epochs or maxSteps must be given');
    await expect(fit(options({ accumulate: 0 }))).rejects.toThrow(
      'trainers: accumulate must be an integer of at least 1, got 0',
    );
    await expect(fit(options({ clipNorm: 0 }))).rejects.toThrow('trainers: clipNorm must be positive, got 0');
    await expect(fit(options({ batches: () => [] }))).rejects.toThrow(
      'trainers: an epoch must have at least 1 batches, got 0; give data that leaves something to learn, or a smaller batch size',
    );
    await expect(fit(options({ trainable: () => false }))).rejects.toThrow('trainers: trainable must choose');
    const vector = () => ({ loss: tf.ones([2]) as unknown as tf.Scalar });
    await expect(fit(options({ loss: vector }))).rejects.toThrow('trainers: loss must be a scalar, got shape [2]');
    const stray = (params: Line, point: Point) => ({
      ...squaredError(params, point),
      updates: { codebook: tf.ones([2]) },
    });
    await expect(fit(options({ loss: stray }))).rejects.toThrow(
      'trainers: update codebook must name a parameter (slope, offset), got shape [2]; correct the loss function',
    );
  });

  it('refuses to continue with fewer batches than the checkpoint has consumed', async () => {
    const state: FitState<Line> = { params: line(), optimizer: {}, step: 3, epoch: 0, batch: 3, validations: [] };
    await expect(fit(options({ start: state, maxSteps: 9 }))).rejects.toThrow(
      'trainers: an epoch must have at least 3 batches, got 2; the data is not that of the checkpoint',
    );
  });
});
