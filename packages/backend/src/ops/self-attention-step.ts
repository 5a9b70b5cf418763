import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';
import { attention, evenOffsets } from './attention.js';
import type { AttentionLayerWeights } from './attention-layer.js';
import { rmsNorm } from './rms-norm.js';

/** The keys and values of one position, [R', H*E]. */
export type KeysAndValues = { key: tf.Tensor2D; value: tf.Tensor2D };

export interface SelfAttentionStepOptions {
  /** H */
  heads: number;
  /** Of the norm. */
  epsilon: number;
  /** P, the positions before this one, oldest first; each with as many rows as it had beams. */
  past: readonly KeysAndValues[];
  /** [R, P] the row that each row descends from at each of them. */
  ancestors: Int32Array;
  /** [H, P+1] added to the scores of the P positions and the new one. */
  bias?: tf.Tensor2D;
}

/**
 * x + attention(rmsNorm(x)) Wo at one new position of R sequences, which sees that position and those before it: a step of beam
 * search through a layer of T5. Raffel et al. 2020, sec. 2.1. Sequences that part late share what they had in common, and a
 * backend with a kernel reads it where it lies. There is no gradient.
 *
 * @param x  [R, D]
 * @returns y [R, D]; key and value [R, H*E] of the new position
 * @throws RangeError when shapes do not fit or an ancestor is no row
 */
export function selfAttentionStep(
  x: tf.Tensor2D,
  weights: AttentionLayerWeights,
  options: SelfAttentionStepOptions,
): KeysAndValues & { y: tf.Tensor2D } {
  check(x, weights, options);
  const { heads, epsilon, past, ancestors, bias } = options;
  const rows = x.shape[0];
  const positions = past.length + 1;
  return tf.tidy(() => {
    if (hasKernel('SelfAttentionStep')) {
      const inputs = {
        x,
        ...weights,
        bias: bias ?? tf.zeros([heads, 0]),
        ancestors: tf.tensor2d(ancestors, [rows, past.length], 'int32'),
        ...Object.fromEntries(
          past.flatMap(({ key, value }, p) => [
            [`key${p}`, key],
            [`value${p}`, value],
          ]),
        ),
      };
      const [y, key, value] = runKernel<tf.Tensor2D[]>('SelfAttentionStep', inputs, { heads, epsilon });
      return { y, key, value };
    }
    const normed = rmsNorm(x, weights.norm, epsilon); // [R, D]
    const key: tf.Tensor2D = tf.matMul(normed, weights.key); // [R, H*E]
    const value: tf.Tensor2D = tf.matMul(normed, weights.value);
    const whole = (newest: tf.Tensor2D, earlier: readonly tf.Tensor2D[]): tf.Tensor2D => {
      const columns = earlier.map((tensor, p) =>
        tf.gather(
          tensor,
          tf.tensor1d(
            ancestors.filter((_, i) => i % past.length === p),
            'int32',
          ),
        ),
      );
      return tf.reshape(tf.stack([...columns, newest], 1), [rows * positions, newest.shape[1]]);
    };
    const seen = attention(
      tf.matMul(normed, weights.query),
      whole(
        key,
        past.map((position) => position.key),
      ),
      whole(
        value,
        past.map((position) => position.value),
      ),
      // The one query of a row stands at the last position, but to `attention` at 0: column 0 is the first key's.
      { heads, queryOffsets: evenOffsets(rows, 1), keyOffsets: evenOffsets(rows, positions), ...(bias && { bias }) },
    ); // [R, H*E]
    const y: tf.Tensor2D = tf.add(x, tf.matMul(seen, weights.output));
    return { y, key, value };
  });
}

function check(
  x: tf.Tensor2D,
  { norm, query, key, value, output }: AttentionLayerWeights,
  { heads, past, ancestors, bias }: SelfAttentionStepOptions,
): void {
  const [rows, width] = x.shape;
  const all = query.shape[1];
  const fail = (what: string) => {
    throw new RangeError(`backend: selfAttentionStep's ${what}`);
  };
  const wide = String([width, all]);
  if (
    norm.shape[0] !== width ||
    [query, key, value].some(({ shape }) => String(shape) !== wide) ||
    String(output.shape) !== String([all, width]) ||
    all % heads !== 0
  ) {
    fail(
      `weights must be [${width}], three of [${width}, H*E] and [H*E, ${width}] with ${heads} heads, got ${[norm, query, key, value, output].map(({ shape }) => `[${shape}]`).join(', ')}`,
    );
  }
  if (ancestors.length !== rows * past.length) {
    fail(`ancestors must be [${rows}, ${past.length}], got ${ancestors.length} of them`);
  }
  for (const [p, position] of past.entries()) {
    const count = position.key.shape[0];
    if ([position.key, position.value].some(({ shape }) => String(shape) !== String([count, all]))) {
      fail(`keys and values must be [R', ${all}], got [${position.key.shape}] and [${position.value.shape}]`);
    }
    for (let i = p; i < ancestors.length; i += past.length) {
      if (!(ancestors[i] >= 0 && ancestors[i] < count)) {
        fail(`ancestors must be rows of their position (${count}), got ${ancestors[i]} at position ${p}`);
      }
    }
  }
  if (bias && String(bias.shape) !== String([heads, past.length + 1])) {
    fail(`bias must be [${heads}, ${past.length + 1}], got [${bias.shape}]`);
  }
}
