import { squaredNorm, tf } from '@codebeam/backend';
import { flattenParams, mapParams, type Params } from '@codebeam/nn';
import { createKey, foldIn } from '@codebeam/random';
import type { FitOptions, FitState, LossResult } from './fit.js';
import type { NamedTensors } from './optimizer.js';
import { constant } from './schedules.js';
import { touchedRows } from './touched-rows.js';

export interface StepReport {
  loss: number;
  metrics: { [name: string]: number };
  learningRate: number;
  /** Euclidean norm over all gradients, before clipping. */
  gradientNorm: number;
}

/**
 * One update of the state's parameters and moments: new tensors take the place of the old ones, which are disposed.
 *
 * @param batches  the micro-batches of this step; what they give is averaged
 * @throws Error when the loss or the gradient norm is not finite
 */
export async function trainStep<P extends Params, B>(
  state: FitState<P>,
  batches: readonly B[],
  options: FitOptions<P, B>,
): Promise<StepReport> {
  const { optimizer, schedule = constant(), clipNorm = Infinity, trainable = () => true } = options;
  const params = flattenParams(state.params);
  const trained = Object.keys(params).filter(trainable);
  if (trained.length === 0) {
    throw new RangeError('trainers: trainable must choose at least one parameter, got none; correct the filter');
  }
  const step = state.step + 1;
  const learningRate = optimizer.learningRate * schedule(step);
  const stepKey = foldIn(createKey(options.seed, 'dropout'), step);

  const { changed, moments, numbers, names } = tf.tidy(() => {
    const touched = touchedRows(options.rows?.(batches[0]) ?? {});
    const read = mapParams(state.params, touched.take);
    const readParams = flattenParams(read);
    const pass: Pass = { metrics: {}, gradients: {}, updates: {} };
    batches.forEach((batch, i) => {
      const loss = () => options.loss(read, batch, { key: foldIn(stepKey, i), step });
      addTo(pass, backward(loss, readParams, trained, batches.length));
    });
    const norm = globalNorm(pass.gradients);
    const gradientScale = clipNorm < Infinity ? clipScale(norm, clipNorm) : undefined;
    const at = { step, learningRate, gradientScale };
    const updated = optimizer.update(readParams, pass.gradients, touched.takeMoments(state.optimizer), at);
    return {
      changed: { ...touched.put(params, updated.params), ...pass.updates },
      moments: touched.putMoments(state.optimizer, updated.moments),
      numbers: tf.stack([norm, ...Object.values(pass.metrics)]),
      names: Object.keys(pass.metrics),
    };
  });
  for (const name of Object.keys(changed)) params[name].dispose();
  for (const name of Object.keys(moments)) state.optimizer[name].dispose();
  state.params = mapParams(state.params, (tensor, name) => changed[name] ?? tensor);
  Object.assign(state.optimizer, moments);
  state.step = step;
  state.batch += batches.length;

  // The only wait of the step: one read for all that is reported.
  const [gradientNorm, ...values] = await numbers.data();
  numbers.dispose();
  const { loss, ...metrics } = Object.fromEntries(names.map((name, i) => [name, values[i]]));
  checkFinite('loss', loss, state);
  checkFinite('gradient norm', gradientNorm, state);
  return { loss, metrics, learningRate, gradientNorm };
}

/** What a backward pass gives. The loss is among the metrics; a parameter that the loss ignores has no gradient. */
type Pass = Record<'metrics' | 'gradients' | 'updates', NamedTensors>;

/** One micro-batch's share of the step: everything divided by `count`, so that the shares add up to the mean. */
function backward(loss: () => LossResult, params: NamedTensors, trained: readonly string[], count: number): Pass {
  // The tape disposes all that is made under it except the loss and the gradients; the rest is kept by hand.
  const kept: NamedTensors[] = [];
  const share = <T extends tf.Tensor>(x: T): T => (count === 1 ? x : tf.div(x, count));
  const keepShares = (tensors: NamedTensors) => {
    kept.push(Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, tf.keep(tf.clone(share(x)))])));
  };
  const { grads } = tf.engine().gradients(
    () => {
      const { loss: value, metrics = {}, updates = {} } = checked(loss(), params);
      keepShares({ ...metrics, loss: value });
      keepShares(updates);
      return share(value);
    },
    trained.map((name) => params[name]),
    undefined,
    true,
  );
  const gradients = trained.map((name, i) => [name, grads[i]] as const).filter(([, gradient]) => gradient);
  const [metrics, updates] = kept.map(release);
  return { metrics, updates, gradients: Object.fromEntries(gradients) };
}

/** Kept tensors handed back to the tidy around. */
function release(kept: NamedTensors): NamedTensors {
  const released = Object.entries(kept).map(([name, tensor]) => [name, tf.clone(tensor)] as const);
  tf.dispose(kept);
  return Object.fromEntries(released);
}

function addTo(sum: Pass, pass: Pass): void {
  for (const part of ['metrics', 'gradients', 'updates'] as const) {
    for (const [name, tensor] of Object.entries(pass[part])) {
      const before = sum[part][name];
      sum[part][name] = before ? tf.add(before, tensor) : tensor;
      if (before) tf.dispose([before, tensor]);
    }
  }
}

function globalNorm(gradients: NamedTensors): tf.Scalar {
  const squares = Object.values(gradients).map(squaredNorm);
  return tf.sqrt<tf.Scalar>(tf.addN([tf.scalar(0), ...squares]));
}

/** Pascanu et al. 2013, algorithm 1. Exactly 1 when the norm is small enough. */
function clipScale(norm: tf.Scalar, clipNorm: number): tf.Scalar {
  return tf.div(clipNorm, tf.maximum(norm, clipNorm));
}

function checked(result: LossResult, params: NamedTensors): LossResult {
  for (const [name, { shape }] of Object.entries({ ...result.metrics, loss: result.loss })) {
    if (shape.length === 0) continue;
    throw new RangeError(`trainers: ${name} must be a scalar, got shape [${shape}]; take its mean or its sum`);
  }
  for (const [name, { shape }] of Object.entries(result.updates ?? {})) {
    const expected = params[name]?.shape;
    if (String(shape) === String(expected)) continue;
    const wish = expected ? `have shape [${expected}]` : `name a parameter (${Object.keys(params).join(', ')})`;
    throw new RangeError(`trainers: update ${name} must ${wish}, got shape [${shape}]; correct the loss function`);
  }
  return result;
}

function checkFinite(what: string, value: number, { step, epoch }: FitState<Params>): void {
  if (Number.isFinite(value)) return;
  const remedy = 'lower the learning rate, clip gradients, or look for such values in the data';
  throw new Error(`trainers: ${what} must be finite, got ${value} at step ${step} of epoch ${epoch}; ${remedy}`);
}
