import { longestOf, type Offsets, type tf } from '@codebeam/backend';
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
  type RelativePositionBias,
  type RmsNorm,
  relativePositionBias,
  rmsNorm,
} from '@codebeam/nn';
import { foldIn, type Key } from '@codebeam/random';
import type { TigerConfig } from './config.js';

export type EncoderBlock = {
  attentionNorm: RmsNorm;
  attention: Attention;
  feedForwardNorm: RmsNorm;
  feedForward: FeedForward;
};

export type Encoder = { positions: RelativePositionBias; blocks: EncoderBlock[]; norm: RmsNorm };

export function initEncoder(key: Key, config: TigerConfig): Encoder {
  const { modelWidth, heads, headWidth, feedForwardWidth, encoderLayers, positionBuckets } = config;
  return {
    positions: initRelativePositionBias(foldIn(key, 0), positionBuckets, heads, modelWidth),
    blocks: Array.from({ length: encoderLayers }, (_, layer) => ({
      attentionNorm: initRmsNorm(modelWidth),
      attention: initAttention(foldIn(key, 2 * layer + 1), modelWidth, heads, headWidth),
      feedForwardNorm: initRmsNorm(modelWidth),
      feedForward: initFeedForward(foldIn(key, 2 * layer + 2), modelWidth, feedForwardWidth),
    })),
    norm: initRmsNorm(modelWidth),
  };
}

/**
 * Reads histories: blocks of self-attention and feed-forward, each of what is normalised and added to its input.
 * Raffel et al. 2020 (T5), sec. 2.1. Where rows are items, each sees those before it only, as in a decoder.
 *
 * @param x        [S, D] embedded tokens or items of B histories, one after another
 * @param offsets  [B+1] where each begins
 * @returns        [S, D]
 */
export function encode(
  { positions, blocks, norm }: Encoder,
  x: tf.Tensor2D,
  offsets: Offsets,
  { encoderReads, heads, positionBuckets, maxDistance }: TigerConfig,
  dropout: Dropout,
): tf.Tensor2D {
  const causal = encoderReads === 'items';
  const length = longestOf(offsets);
  const bias = relativePositionBias(positions, length, length, {
    buckets: positionBuckets,
    maxDistance,
    bidirectional: !causal,
  }); // [H, 2*length-1]
  const within = { heads, queryOffsets: offsets, keyOffsets: offsets, causal, ...bias };

  let hidden = dropout(x);
  for (const block of blocks) {
    hidden = attentionLayer(block.attentionNorm, block.attention, hidden, within, dropout);
    hidden = feedForwardLayer(block.feedForwardNorm, block.feedForward, hidden, dropout);
  }
  return dropout(rmsNorm(norm, hidden));
}
