import { tf } from '@codebeam/backend';
import {
  type Attention,
  attention,
  type Dropout,
  type FeedForward,
  feedForward,
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
 * Reads a history: blocks of self-attention and feed-forward, each normalised before and added to its input.
 * Raffel et al. 2020 (T5), sec. 2.1.
 *
 * @param x     [B, S, D] embedded tokens
 * @param mask  [B, 1, 1, S] 0 for tokens, -1e9 for padding; absent when no row is padded
 * @returns     [B, S, D]
 */
export function encode(
  { positions, blocks, norm }: Encoder,
  x: tf.Tensor,
  mask: tf.Tensor | undefined,
  { heads, positionBuckets, maxDistance }: TigerConfig,
  dropout: Dropout,
): tf.Tensor {
  const length = x.shape[1] as number;
  const bias = relativePositionBias(positions, length, length, {
    buckets: positionBuckets,
    maxDistance,
    bidirectional: true,
  }); // [1, H, S, S]
  const biases = mask ? [bias, mask] : [bias];

  let hidden = dropout(x);
  for (const block of blocks) {
    const normed = rmsNorm(block.attentionNorm, hidden);
    hidden = tf.add(hidden, dropout(attention(block.attention, normed, normed, heads, biases, dropout)));
    hidden = tf.add(hidden, dropout(feedForward(block.feedForward, rmsNorm(block.feedForwardNorm, hidden), dropout)));
  }
  return dropout(rmsNorm(norm, hidden));
}
