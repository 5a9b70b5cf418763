import { evenOffsets, type KeysAndValues, type Offsets, type tf } from '@codebeam/backend';
import {
  type Attention,
  attentionLayer,
  crossAttentionStep,
  type Dropout,
  type FeedForward,
  feedForwardLayer,
  initAttention,
  initFeedForward,
  initRelativePositionBias,
  initRmsNorm,
  type RelativePositionBias,
  type RmsNorm,
  relativePositionBias,
  rmsNorm,
  selfAttentionStep,
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
 * @returns hidden [R, D] and the new position's keys and values by layer
 */
export function decodeStep(
  { positions, blocks, norm }: Decoder,
  x: tf.Tensor2D,
  { self, ancestors, cross, crossOffsets }: KvCache,
  config: TigerConfig,
): { hidden: tf.Tensor2D; position: KeysAndValues[] } {
  const { heads } = config;
  const batch = crossOffsets.length - 1;
  // The query stands at the last of the P+1 positions: column 0 of the bias is the first key's.
  const { bias } = relativePositionBias(positions, self.length + 1, 1, positionsOf(config)); // [H, P+1]
  const across = { heads, queryOffsets: evenOffsets(batch, x.shape[0] / batch), keyOffsets: crossOffsets };

  const position: KeysAndValues[] = [];
  let hidden = x;
  for (const [layer, block] of blocks.entries()) {
    const past = self.map((earlier) => earlier[layer]);
    const { y, ...own } = selfAttentionStep(block.attentionNorm, block.attention, hidden, {
      heads,
      past,
      ancestors,
      bias,
    });
    position.push(own);
    hidden = crossAttentionStep(block.crossAttentionNorm, block.crossAttention, y, { ...across, memory: cross[layer] });
    hidden = feedForwardLayer(block.feedForwardNorm, block.feedForward, hidden);
  }
  return { hidden: rmsNorm(norm, hidden), position };
}
