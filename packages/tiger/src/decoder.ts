import { attention as attend, evenOffsets, type Offsets, tf } from '@codebeam/backend';
import {
  type Attention,
  attentionLayer,
  type Dropout,
  type FeedForward,
  feedForwardLayer,
  initAttention,
  initFeedForward,
  initRelativePositionBias,
  initRmsNorm,
  linear,
  type RelativePositionBias,
  type RmsNorm,
  relativePositionBias,
  rmsNorm,
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
 * All positions of the targets at once, as in training: each sees the history and the target's earlier positions.
 * Raffel et al. 2020 (T5), sec. 2.1.
 *
 * @param x              [B*P, D] embedded target tokens, shifted right by one
 * @param memory         [S, D] the encoder's output
 * @param memoryOffsets  [B+1] where each history begins
 * @returns              [B*P, D]
 */
export function decode(
  { positions, blocks, norm }: Decoder,
  x: tf.Tensor2D,
  memory: tf.Tensor2D,
  memoryOffsets: Offsets,
  config: TigerConfig,
  dropout: Dropout,
): tf.Tensor2D {
  const { heads } = config;
  const batch = memoryOffsets.length - 1;
  const length = x.shape[0] / batch; // P
  const targets = evenOffsets(batch, length);
  const bias = relativePositionBias(positions, length, length, positionsOf(config)); // [H, 2*P-1]
  const within = { heads, queryOffsets: targets, keyOffsets: targets, causal: true, ...bias };
  const across = { heads, queryOffsets: targets, memory, keyOffsets: memoryOffsets };

  let hidden = dropout(x);
  for (const block of blocks) {
    hidden = attentionLayer(block.attentionNorm, block.attention, hidden, within, dropout);
    hidden = attentionLayer(block.crossAttentionNorm, block.crossAttention, hidden, across, dropout);
    hidden = feedForwardLayer(block.feedForwardNorm, block.feedForward, hidden, dropout);
  }
  return dropout(rmsNorm(norm, hidden));
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
  const { heads } = config;
  const rows = x.shape[0];
  const batch = cache.crossOffsets.length - 1;
  const position = cache.self[0]?.key.shape[1] ?? 0; // P
  const { bias } = relativePositionBias(positions, position + 1, 1, positionsOf(config)); // [H, P+1]
  // The only query of a row stands at the last position: column 0 of the bias is the first key's.
  const within = { heads, queryOffsets: evenOffsets(rows, 1), keyOffsets: evenOffsets(rows, position + 1), bias };
  // The W beams of a user are W queries of one attention over the user's history.
  const across = { heads, queryOffsets: evenOffsets(batch, rows / batch), keyOffsets: cache.crossOffsets };

  const self: KvCache['self'] = [];
  let hidden = x;
  for (const [layer, block] of blocks.entries()) {
    const normed = rmsNorm(block.attentionNorm, hidden);
    const newKey = linear(block.attention.key, normed); // [R, H*E]
    const newValue = linear(block.attention.value, normed);
    const { key, value } = append(cache.self[layer], newKey, newValue); // [R, P+1, H*E]
    self.push({ key, value });
    const query = linear(block.attention.query, normed); // [R, H*E]
    const seen = attend(query, flat(key), flat(value), within);
    hidden = tf.add(hidden, linear(block.attention.output, seen)); // [R, D]

    const crossQuery = linear(block.crossAttention.query, rmsNorm(block.crossAttentionNorm, hidden)); // [R, H*E]
    const read = attend(crossQuery, cache.cross[layer].key, cache.cross[layer].value, across);
    hidden = tf.add(hidden, linear(block.crossAttention.output, read)); // [R, D]

    hidden = feedForwardLayer(block.feedForwardNorm, block.feedForward, hidden);
  }
  return { hidden: rmsNorm(norm, hidden), self };
}

/** [R, P, H*E] and [R, H*E] -> [R, P+1, H*E] */
function append(
  past: KvCache['self'][number] | undefined,
  key: tf.Tensor2D,
  value: tf.Tensor2D,
): KvCache['self'][number] {
  const [newKey, newValue] = [key, value].map((x) => tf.expandDims<tf.Tensor3D>(x, 1));
  if (!past) return { key: newKey, value: newValue };
  return { key: tf.concat([past.key, newKey], 1), value: tf.concat([past.value, newValue], 1) };
}

/** [R, P, H*E] -> [R*P, H*E] */
const flat = (x: tf.Tensor3D): tf.Tensor2D => tf.reshape(x, [-1, x.shape[2]]);
