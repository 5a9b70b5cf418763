import { evenOffsets, type KeysAndValues, softmaxCrossEntropy, tf } from '@codebeam/backend';
import { createDropout, type Dropout, noDropout, normal } from '@codebeam/nn';
import { createKey, foldIn, type Key } from '@codebeam/random';
import type { TigerConfig } from './config.js';
import { type Decoder, decode, decodeStep, initDecoder } from './decoder.js';
import { type Encoder, encode, initEncoder } from './encoder.js';
import { createKvCache, type KvCache } from './kv-cache.js';
import { type PackedHistories, paddingToken, type Vocabulary } from './tokens.js';

/**
 * TIGER: a T5 encoder reads the semantic IDs of a user's history, its decoder generates the next item's.
 * Rajput et al. 2023, "Recommender Systems with Generative Retrieval", sec. 3.2 and 4.1.
 *
 * The embedding is shared by encoder, decoder and output. It is held at D^-0.5 of T5's, and read times D^0.5 (Vaswani et al. 2017,
 * sec. 3.4): the same function, but AdamW's steps, which know nothing of a weight's scale, move it as far as they move the other
 * weights. T5's own optimizer, Adafactor, takes steps relative to a weight's scale.
 *
 * Besides the paper's encoder, which reads codes, there is one that reads items (`encoderReads`): a row for each place of a sequence, from
 * which alone the next item's codes follow, as in the RQ-Transformer (Lee et al. 2022, "Autoregressive Image Generation using Residual
 * Quantization", sec. 3.2).
 *
 * Differs from the paper: no user token unless `userTokens` says so; the collision code is one more position of the
 * target, so that what is generated is an item and not a group of items; with `constrainedSoftmax`, probabilities are over
 * the codes that lead to an item and not over all tokens.
 */
export type Tiger = {
  /** [V, D] */
  embedding: tf.Tensor2D;
  /** [N, D], of an encoder that reads items */
  items?: tf.Tensor2D;
  encoder: Encoder;
  decoder: Decoder;
};

/** Weights as in T5's initialisation; a pure function of the seed. */
export function initTiger(config: TigerConfig, vocabulary: Vocabulary, seed: number): Tiger {
  const key = createKey(seed, 'init');
  const matrix = (site: number, rows: number) =>
    normal<tf.Rank.R2>(foldIn(key, site), [rows, config.modelWidth], config.modelWidth ** -0.5);
  return {
    embedding: matrix(0, vocabulary.size),
    ...(config.encoderReads === 'items' && { items: matrix(3, vocabulary.itemVectors) }),
    encoder: initEncoder(foldIn(key, 1), config),
    decoder: initDecoder(foldIn(key, 2), config),
  };
}

/**
 * Mean cross-entropy of the target tokens given the histories, in nats per token; an item has L+1 of them.
 *
 * @param histories  of B users
 * @param targets    [B*(L+1)] tokens of an item after each history; [S*(L+1)] of one after each item, where the encoder reads items
 * @param key        of this step's dropout; absent in evaluation
 * @param mask       [B*(L+1), V] of the constrained softmax (`continuationMask`); absent where the config has none
 * @throws TypeError when the config has a constrained softmax and there is no mask, or the other way round
 */
export function tigerLoss(
  params: Tiger,
  histories: PackedHistories,
  targets: Int32Array,
  config: TigerConfig,
  key?: Key,
  mask?: Float32Array,
): tf.Scalar {
  if (config.constrainedSoftmax !== (mask !== undefined)) {
    throw new TypeError(
      `tiger: mask must be given exactly when constrainedSoftmax is on, got ${mask ? 'one' : 'none'} with ${config.constrainedSoftmax}; make it with continuationMask`,
    );
  }
  const { embedding } = params;
  const hidden = predict(params, histories, targets, config, key); // [B*(L+1), D]
  const allowed = mask && tf.tensor2d(mask, [targets.length, embedding.shape[0]]);
  return softmaxCrossEntropy(hidden, embedding, tf.tensor1d(targets, 'int32'), allowed);
}

/** Logits [B*(L+1), V] of each target position given the histories and the target's earlier positions; shapes as of `tigerLoss`. */
export function forward(
  params: Tiger,
  histories: PackedHistories,
  targets: Int32Array,
  config: TigerConfig,
  key?: Key,
): tf.Tensor2D {
  return logitsOf(params, predict(params, histories, targets, config, key));
}

/** [B*(L+1), D] what is compared with the embedding at each target position. */
function predict(
  params: Tiger,
  histories: PackedHistories,
  targets: Int32Array,
  config: TigerConfig,
  key?: Key,
): tf.Tensor2D {
  const dropout = key ? createDropout(config.dropout, key) : noDropout;
  const memory = encodeHistories(params, histories, config, dropout); // [S, D]
  const offsets = histories.items ? evenOffsets(memory.shape[0], 1) : histories.offsets; // [B+1]
  const inputs = shiftRight(targets, targets.length / (offsets.length - 1)); // [B*(L+1)]
  return decode(params.decoder, embed(params, inputs), memory, offsets, config, dropout);
}

/** The encoder's output [S, D]: a row for each token, or each item, of the histories. */
export function encodeHistories(
  params: Tiger,
  histories: PackedHistories,
  config: TigerConfig,
  dropout: Dropout = noDropout,
): tf.Tensor2D {
  const { tokens, items, offsets } = histories;
  const x = items ? embedItems(params, tokens, items) : embed(params, tokens); // [S, D]
  return encode(params.encoder, x, offsets, config, dropout);
}

/** What beam search starts from: the histories, encoded, with the keys and values that all beams share. */
export function startDecoding(params: Tiger, histories: PackedHistories, config: TigerConfig): KvCache {
  const { items, offsets } = histories;
  const memory = encodeHistories(params, histories, config); // [S, D]
  if (!items) return createKvCache(params.decoder, memory, offsets);
  const latest = Int32Array.from(offsets.subarray(1), (end) => end - 1); // [B]
  const rows = tf.gather(memory, tf.tensor1d(latest, 'int32')); // [B, D]
  return createKvCache(params.decoder, rows, evenOffsets(latest.length, 1));
}

/**
 * One step of generation.
 *
 * @param tokens   [R] the tokens chosen last; `paddingToken` at the start
 * @param columns  the tokens whose logits are wanted; all when left out
 * @returns logits [R, N], and the new position's keys and values by layer
 */
export function generateStep(
  params: Tiger,
  tokens: Int32Array,
  cache: KvCache,
  config: TigerConfig,
  columns?: { first: number; size: number },
): { logits: tf.Tensor2D; position: KeysAndValues[] } {
  const { hidden, position } = decodeStep(params.decoder, embed(params, tokens), cache, config); // [R, D]
  return { logits: logitsOf(params, hidden, columns), position };
}

/** The tokens' rows of the embedding: [S] -> [S, D] */
function embed({ embedding }: Tiger, tokens: Int32Array): tf.Tensor2D {
  return rowsOf(embedding, tokens);
}

/**
 * What an item's codes say and what is known of it alone, of equal weight; [S*P] tokens and [S] items -> [S, D]. Items that came
 * after training have no vector of their own.
 */
function embedItems(params: Tiger, tokens: Int32Array, items: Int32Array): tf.Tensor2D {
  const [known, width] = params.items!.shape;
  const positions = tokens.length / items.length;
  const codes = tf.sum(tf.reshape(embed(params, tokens), [items.length, positions, width]), 1); // [S, D]
  const isKnown = items.map((item) => (item >= 0 && item < known ? 1 : 0)); // [S]
  const rows = items.map((item, row) => item * isKnown[row]); // [S]
  const own = tf.mul(rowsOf(params.items!, rows), tf.tensor2d(isKnown, [items.length, 1], 'float32')); // [S, D]
  return tf.mul(tf.add(tf.mul(codes, positions ** -0.5), own), Math.SQRT1_2);
}

/** [N, D] and [S] -> [S, D]; tables are held at D^-0.5 of what is read. */
function rowsOf(table: tf.Tensor2D, rows: Int32Array): tf.Tensor2D {
  return tf.mul(tf.gather(table, tf.tensor1d(rows, 'int32')), Math.sqrt(table.shape[1]));
}

/** [R, D] -> [R, V], or the columns of some tokens */
function logitsOf({ embedding }: Tiger, hidden: tf.Tensor2D, columns?: { first: number; size: number }): tf.Tensor2D {
  const tokens = columns ? tf.slice(embedding, [columns.first, 0], [columns.size, -1]) : embedding;
  return tf.matMul(hidden, tokens, false, true);
}

/** The decoder's input: each row starts with the start token and lacks its last target. */
function shiftRight(targets: Int32Array, positions: number): Int32Array {
  return targets.map((_, i) => (i % positions === 0 ? paddingToken : targets[i - 1]));
}
