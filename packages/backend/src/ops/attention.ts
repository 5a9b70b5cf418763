import { writeBlock } from '@codebeam/random';
import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';
import { checkRate, type DropoutDraw } from './dropout.js';

/** Rows of sequences that stand one after another: sequence b is the rows offsets[b] .. offsets[b + 1] - 1. */
export type Offsets = Int32Array;

export interface AttentionOptions {
  /** H */
  heads: number;
  /** [B + 1] */
  queryOffsets: Offsets;
  /** [B + 1] */
  keyOffsets: Offsets;
  /** Keys after a query's own position are hidden from it. */
  causal?: boolean;
  /** [H, M] added to a score by distance: column `zeroDistance` + key position - query position. */
  bias?: tf.Tensor2D;
  zeroDistance?: number;
  /** Of the probabilities. */
  dropout?: DropoutDraw | undefined;
}

/**
 * Multi-head attention within each of B packed sequences: softmax(q k^T + bias) v, unscaled as in T5.
 * Vaswani et al. 2017, sec. 3.2.1. No matrix of scores is kept where the backend has a kernel.
 *
 * @param query  [Q, H*E] rows of all heads side by side, Q = queryOffsets[B]
 * @param key    [S, H*E] S = keyOffsets[B]
 * @param value  [S, H*E]
 * @returns      [Q, H*E]
 * @throws RangeError when shapes and offsets do not fit
 */
export function attention(
  query: tf.Tensor2D,
  key: tf.Tensor2D,
  value: tf.Tensor2D,
  options: AttentionOptions,
): tf.Tensor2D {
  const width = query.shape[1];
  if (String(key.shape) !== String(value.shape) || key.shape[1] !== width) {
    throw new RangeError(
      `backend: attention's keys and values must have the shape [S, ${width}], got [${key.shape}] and [${value.shape}]`,
    );
  }
  checkAttention(query.shape[0], key.shape[0], width, options);
  return hasKernel('Attention') ? fused(query, key, value, options) : padded(query, key, value, options);
}

function fused(query: tf.Tensor2D, key: tf.Tensor2D, value: tf.Tensor2D, options: AttentionOptions): tf.Tensor2D {
  const { heads, causal = false, bias, zeroDistance = 0, dropout } = options;
  return tf.tidy(() => {
    const inputs = {
      query,
      key,
      value,
      bias: bias ?? tf.zeros([heads, 0]),
      ...offsetTensors(options),
    };
    const attrs = { heads, causal, zeroDistance, rate: dropout?.rate ?? 0, key: dropout?.key ?? [0, 0] };
    return runKernel<tf.Tensor[]>('Attention', inputs, attrs)[0] as tf.Tensor2D;
  });
}

/** The offsets as a kernel takes them. */
export function offsetTensors({ queryOffsets, keyOffsets }: Pick<AttentionOptions, 'queryOffsets' | 'keyOffsets'>) {
  return { queryOffsets: tf.tensor1d(queryOffsets, 'int32'), keyOffsets: tf.tensor1d(keyOffsets, 'int32') };
}

/** The same from TensorFlow.js's own ops: sequences are padded to the longest, [B, H, Q', S'] scores made and masked. */
function padded(query: tf.Tensor2D, key: tf.Tensor2D, value: tf.Tensor2D, options: AttentionOptions): tf.Tensor2D {
  const { heads, queryOffsets, keyOffsets, causal = false, bias, zeroDistance = 0, dropout } = options;
  const batch = queryOffsets.length - 1;
  const [queries, keys] = [longestOf(queryOffsets), longestOf(keyOffsets)];
  const headWidth = query.shape[1] / heads;
  return tf.tidy(() => {
    const split = (x: tf.Tensor2D, offsets: Offsets, length: number) =>
      tf.transpose(tf.reshape(pad(x, offsets, length), [batch, length, heads, headWidth]), [0, 2, 1, 3]);
    const q = split(query, queryOffsets, queries); // [B, H, Q', E]
    const k = split(key, keyOffsets, keys); // [B, H, S', E]
    const v = split(value, keyOffsets, keys); // [B, H, S', E]

    let scores = tf.matMul(q, k, false, true); // [B, H, Q', S']
    if (bias) {
      const distances = Int32Array.from({ length: queries * keys }, (_, i) => {
        // Pairs beyond every sequence's end may lie outside the table; what they get is masked.
        const column = zeroDistance + (i % keys) - Math.floor(i / keys);
        return Math.min(Math.max(column, 0), bias.shape[1] - 1);
      });
      const table = tf.gather(tf.transpose(bias), tf.tensor1d(distances, 'int32')); // [Q'*S', H]
      scores = tf.add(scores, tf.reshape(tf.transpose(table), [1, heads, queries, keys]));
    }
    const mask = hidden(keyOffsets, queries, keys, causal);
    if (mask) scores = tf.add(scores, mask);
    let probabilities: tf.Tensor = tf.softmax(scores); // [B, H, Q', S']
    if (dropout && dropout.rate > 0) {
      const factors = dropoutFactors(options, dropout, queries, keys);
      probabilities = tf.mul(probabilities, tf.tensor4d(factors, [batch, heads, queries, keys]));
    }
    const merged = tf.transpose(tf.matMul(probabilities, v), [0, 2, 1, 3]); // [B, Q', H, E]
    return unpad(tf.reshape(merged, [batch * queries, heads * headWidth]), queryOffsets, queries);
  });
}

/** Offsets of B sequences of one length. */
export function evenOffsets(batch: number, length: number): Offsets {
  return Int32Array.from({ length: batch + 1 }, (_, b) => b * length);
}

/** Rows of the longest sequence. */
export function longestOf(offsets: Offsets): number {
  let most = 0;
  for (let b = 1; b < offsets.length; b++) most = Math.max(most, offsets[b] - offsets[b - 1]);
  return most;
}

/** [rows, D] -> [B*length, D]; what stands in the padding is never looked at. */
function pad(x: tf.Tensor2D, offsets: Offsets, length: number): tf.Tensor2D {
  const batch = offsets.length - 1;
  if (offsets[batch] === batch * length) return x;
  const rows = new Int32Array(batch * length);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < offsets[b + 1] - offsets[b]; i++) rows[b * length + i] = offsets[b] + i;
  }
  return tf.gather(x, tf.tensor1d(rows, 'int32'));
}

/** [B*length, D] -> [rows, D] */
function unpad(x: tf.Tensor2D, offsets: Offsets, length: number): tf.Tensor2D {
  const batch = offsets.length - 1;
  if (offsets[batch] === batch * length) return x;
  const rows = new Int32Array(offsets[batch]);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < offsets[b + 1] - offsets[b]; i++) rows[offsets[b] + i] = b * length + i;
  }
  return tf.gather(x, tf.tensor1d(rows, 'int32'));
}

/** -1e9 for padding [B, 1, 1, S'] or, when causal, for padding and later keys [B, 1, Q', S']; nothing to hide: undefined. */
function hidden(keyOffsets: Offsets, queries: number, keys: number, causal: boolean): tf.Tensor4D | undefined {
  const batch = keyOffsets.length - 1;
  if (!causal && keyOffsets[batch] === batch * keys) return undefined;
  const rows = causal ? queries : 1;
  const mask = new Float32Array(batch * rows * keys);
  for (let b = 0; b < batch; b++) {
    const length = keyOffsets[b + 1] - keyOffsets[b];
    for (let q = 0; q < rows; q++) {
      const seen = causal ? Math.min(length, q + 1) : length;
      mask.fill(-1e9, (b * rows + q) * keys + seen, (b * rows + q + 1) * keys);
    }
  }
  return tf.tensor4d(mask, [batch, 1, rows, keys]);
}

/**
 * The kernel's mask, padded: query i and key k of head h use half-word k % 8 of block b 2^32 + (h Q + i) ceil(S / 8) + k / 8, for
 * sequence b of Q queries and S keys.
 */
function dropoutFactors(
  { heads, queryOffsets, keyOffsets }: AttentionOptions,
  { rate, key }: DropoutDraw,
  mostQueries: number,
  mostKeys: number,
): Float32Array {
  const batch = queryOffsets.length - 1;
  const factors = new Float32Array(batch * heads * mostQueries * mostKeys);
  const threshold = Math.round(rate * 65536);
  const words = new Uint32Array(4);
  const halves = new Uint16Array(words.buffer);
  for (let b = 0; b < batch; b++) {
    const [queries, keys] = [queryOffsets, keyOffsets].map((offsets) => offsets[b + 1] - offsets[b]);
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queries; i++) {
        const first = b * 2 ** 32 + (h * queries + i) * Math.ceil(keys / 8);
        const at = ((b * heads + h) * mostQueries + i) * mostKeys;
        for (let k = 0; k < keys; k++) {
          if (k % 8 === 0) writeBlock(key, first + k / 8, words);
          factors[at + k] = halves[k % 8] < threshold ? 0 : 1 / (1 - rate);
        }
      }
    }
  }
  return factors;
}

/**
 * @param width  H*E
 * @throws RangeError when rows, heads, offsets and bias do not fit
 */
export function checkAttention(queries: number, keys: number, width: number, options: AttentionOptions): void {
  const { heads, queryOffsets, keyOffsets, bias, zeroDistance = 0, dropout } = options;
  const fail = (what: string) => {
    throw new RangeError(`backend: attention's ${what}`);
  };
  if (width % heads !== 0) fail(`width must be a multiple of its heads (${heads}), got ${width}`);
  if (queryOffsets.length !== keyOffsets.length || queryOffsets.length === 0) {
    fail(`offsets must be B + 1 for queries and keys, got ${queryOffsets.length} and ${keyOffsets.length}`);
  }
  for (const [name, offsets, rows] of [
    ['queryOffsets', queryOffsets, queries],
    ['keyOffsets', keyOffsets, keys],
  ] as const) {
    const rising = offsets.every((offset, b) => b === 0 || offset >= offsets[b - 1]);
    if (offsets[0] !== 0 || !rising || offsets[offsets.length - 1] !== rows) {
      fail(`${name} must rise from 0 to ${rows}, got [${offsets.slice(0, 5)}...${offsets[offsets.length - 1]}]`);
    }
  }
  for (let b = 1; b < keyOffsets.length; b++) {
    if (keyOffsets[b] === keyOffsets[b - 1] && queryOffsets[b] > queryOffsets[b - 1]) {
      fail(`sequence ${b - 1} must have a key for its queries, got none`);
    }
  }
  if (bias) {
    const [first, last] = [zeroDistance - longestOf(queryOffsets) + 1, zeroDistance + longestOf(keyOffsets) - 1];
    if (bias.shape[0] !== heads || first < 0 || last >= bias.shape[1]) {
      fail(`bias must be [${heads}, M] with columns ${first} to ${last}, got [${bias.shape}]`);
    }
  }
  if (dropout) checkRate(dropout.rate);
}
