import { tf } from '@codebeam/backend';
import {
  type Attention,
  attend,
  attention,
  type Dropout,
  type FeedForward,
  feedForward,
  initAttention,
  initFeedForward,
  initRelativePositionBias,
  initRmsNorm,
  linear,
  mergeHeads,
  noDropout,
  type RelativePositionBias,
  type RmsNorm,
  relativePositionBias,
  rmsNorm,
  splitHeads,
} from '@codebeam/nn';
import { foldIn, type Key } from '@codebeam/random';
import type { TigerConfig } from './config.js';
import type { KvCache } from './kv-cache.js';

export type DecoderBlock = {
  attentionNorm: RmsNorm;
  attention: Attention;
  crossAttentionNorm: RmsNorm;
  crossAttention: Attention;
  feedForwardNorm: RmsNorm;
  feedForward: FeedForward;
};

export type Decoder = { positions: RelativePositionBias; blocks: DecoderBlock[]; norm: RmsNorm };

export function initDecoder(key: Key, config: TigerConfig): Decoder {
  const { modelWidth, heads, headWidth, feedForwardWidth, decoderLayers, positionBuckets } = config;
  return {
    positions: initRelativePositionBias(foldIn(key, 0), positionBuckets, heads, modelWidth),
    blocks: Array.from({ length: decoderLayers }, (_, layer) => ({
      attentionNorm: initRmsNorm(modelWidth),
      attention: initAttention(foldIn(key, 3 * layer + 1), modelWidth, heads, headWidth),
      crossAttentionNorm: initRmsNorm(modelWidth),
      crossAttention: initAttention(foldIn(key, 3 * layer + 2), modelWidth, heads, headWidth),
      feedForwardNorm: initRmsNorm(modelWidth),
      feedForward: initFeedForward(foldIn(key, 3 * layer + 3), modelWidth, feedForwardWidth),
    })),
    norm: initRmsNorm(modelWidth),
  };
}

const positionsOf = ({ positionBuckets, maxDistance }: TigerConfig) => ({
  buckets: positionBuckets,
  maxDistance,
  bidirectional: false,
});

/**
 * All positions of the target at once, as in training: each sees the history and the target's earlier positions.
 * Raffel et al. 2020 (T5), sec. 2.1.
 *
 * @param x           [B, P, D] embedded target tokens, shifted right by one
 * @param memory      [B, S, D] the encoder's output
 * @param memoryMask  [B, 1, 1, S] 0 for tokens, -1e9 for padding; absent when no row is padded
 * @returns           [B, P, D]
 */
export function decode(
  { positions, blocks, norm }: Decoder,
  x: tf.Tensor,
  memory: tf.Tensor,
  memoryMask: tf.Tensor | undefined,
  config: TigerConfig,
  dropout: Dropout,
): tf.Tensor {
  const { heads } = config;
  const length = x.shape[1] as number;
  const bias = relativePositionBias(positions, length, length, positionsOf(config)); // [1, H, P, P]
  const biases = [bias, causalMask(length)];
  const crossBiases = memoryMask ? [memoryMask] : [];

  let hidden = dropout(x);
  for (const block of blocks) {
    const normed = rmsNorm(block.attentionNorm, hidden);
    hidden = tf.add(hidden, dropout(attention(block.attention, normed, normed, heads, biases, dropout)));
    const query = rmsNorm(block.crossAttentionNorm, hidden);
    hidden = tf.add(hidden, dropout(attention(block.crossAttention, query, memory, heads, crossBiases, dropout)));
    hidden = tf.add(hidden, dropout(feedForward(block.feedForward, rmsNorm(block.feedForwardNorm, hidden), dropout)));
  }
  return dropout(rmsNorm(norm, hidden));
}

/** [P, P] 0 where position q may see position k <= q, -1e9 elsewhere. */
function causalMask(length: number): tf.Tensor2D {
  const mask = Float32Array.from({ length: length * length }, (_, i) =>
    i % length > Math.floor(i / length) ? -1e9 : 0,
  );
  return tf.tensor2d(mask, [length, length]);
}

/**
 * One further position of R rows, as in beam search: the rows of a user share that user's history.
 *
 * @param x      [R, D] embedded tokens chosen last, R = B*W
 * @param cache  the keys and values of the earlier positions and of the histories
 * @returns hidden [R, D] and the cache's self-attention part, one position longer
 */
export function decodeStep(
  { positions, blocks, norm }: Decoder,
  x: tf.Tensor2D,
  cache: KvCache,
  config: TigerConfig,
): { hidden: tf.Tensor2D; self: KvCache['self'] } {
  const { heads, headWidth } = config;
  const [rows, modelWidth] = x.shape;
  const batch = cache.cross[0].key.shape[0];
  const position = cache.self[0]?.key.shape[2] ?? 0;
  const bias = relativePositionBias(positions, 1, position + 1, positionsOf(config), position); // [1, H, 1, P]

  const self: KvCache['self'] = [];
  let hidden: tf.Tensor = tf.reshape(x, [rows, 1, modelWidth]);
  for (const [layer, block] of blocks.entries()) {
    const normed = rmsNorm(block.attentionNorm, hidden);
    const newKey = splitHeads(linear(block.attention.key, normed), heads); // [R, H, 1, E]
    const newValue = splitHeads(linear(block.attention.value, normed), heads);
    const past = cache.self[layer];
    const key = past ? tf.concat([past.key, newKey], 2) : newKey; // [R, H, P, E]
    const value = past ? tf.concat([past.value, newValue], 2) : newValue;
    self.push({ key, value });
    const query = splitHeads(linear(block.attention.query, normed), heads); // [R, H, 1, E]
    hidden = tf.add(hidden, linear(block.attention.output, mergeHeads(attend(query, key, value, [bias])))); // [R, 1, D]

    // The W beams of a user are W queries of one attention over the user's history.
    const crossQuery = linear(block.crossAttention.query, rmsNorm(block.crossAttentionNorm, hidden)); // [R, 1, H*E]
    const beams = splitHeads(tf.reshape(crossQuery, [batch, rows / batch, heads * headWidth]), heads); // [B, H, W, E]
    const seen = attend(beams, cache.cross[layer].key, cache.cross[layer].value, cache.mask ? [cache.mask] : []);
    const merged = tf.reshape(mergeHeads(seen), [rows, 1, heads * headWidth]);
    hidden = tf.add(hidden, linear(block.crossAttention.output, merged)); // [R, 1, D]

    hidden = tf.add(hidden, feedForward(block.feedForward, rmsNorm(block.feedForwardNorm, hidden), noDropout));
  }
  return { hidden: tf.reshape(rmsNorm(norm, hidden), [rows, modelWidth]), self };
}
