import { createHash } from 'node:crypto';
import type { Offsets } from '@codebeam/backend';
import { packSequences } from '@codebeam/data';
import type { SemanticIds } from '@codebeam/rqvae';
import { contradictionOf, type TigerConfig } from './config.js';

/** Token 0 starts every target, as in T5, and stands for a history without items. */
export const paddingToken = 0;

/**
 * The model's vocabulary: padding, then one block of codes per position of the semantic ID (so code 7 of level 0 and
 * code 7 of level 1 are different tokens), then the optional separator and user tokens.
 */
export interface Vocabulary {
  /** [L+1] the token of code c at position p is offsets[p] + c. */
  offsets: number[];
  /** [L+1] codes per position. */
  sizes: number[];
  /** Stands after each item of a history; absent without separators. */
  separator?: number;
  /** The first of the user tokens. */
  userOffset: number;
  /** Users are hashed into this many tokens; 0 leaves the user out. */
  userTokens: number;
  /** V */
  size: number;
  /** N, items that have a vector of their own besides their codes'; 0 where the encoder reads codes. */
  itemVectors: number;
}

/**
 * The IDs without the positions that have one code only, such as the collision code of a catalogue without collisions:
 * such a code says nothing, and would cost a token of every item of a history and a step of the decoder. At least one
 * position stays. What is left is still unique, and codes of equal positions stay equal.
 *
 * @returns [N, P] codes of the P positions that are left; its `levels` is P - 1
 */
export function informativePositions(ids: SemanticIds): SemanticIds {
  const { sizes, codes, numItems } = ids;
  const informative = sizes.flatMap((size, position) => (size > 1 ? [position] : []));
  const kept = informative.length > 0 ? informative : [0];
  if (kept.length === sizes.length) return ids;
  return {
    levels: kept.length - 1,
    sizes: kept.map((position) => sizes[position]),
    codes: Int32Array.from(
      { length: numItems * kept.length },
      (_, i) => codes[Math.floor(i / kept.length) * sizes.length + kept[i % kept.length]],
    ),
    numItems,
  };
}

/** @throws RangeError when an encoder that reads items is to read separators or user tokens too */
export function createVocabulary(
  { sizes, numItems }: Pick<SemanticIds, 'sizes' | 'numItems'>,
  { encoderReads, separator, userTokens }: Pick<TigerConfig, 'encoderReads' | 'separator' | 'userTokens'>,
): Vocabulary {
  const contradiction = contradictionOf({ encoderReads, separator, userTokens });
  if (contradiction) throw new RangeError(`tiger: ${contradiction}`);
  let next = paddingToken + 1;
  const offsets = sizes.map((size) => {
    const offset = next;
    next += size;
    return offset;
  });
  const separators = separator ? { separator: next++ } : {};
  const itemVectors = encoderReads === 'items' ? numItems : 0;
  return {
    offsets,
    sizes: [...sizes],
    ...separators,
    userOffset: next,
    userTokens,
    size: next + userTokens,
    itemVectors,
  };
}

/**
 * The token of a user: a hash of the original id, so it is the same in every process and for users never seen.
 * TIGER sec. 4.1 hashes users into 2,000 tokens.
 */
export function userToken({ userOffset, userTokens }: Vocabulary, user: string): number {
  return userOffset + (createHash('sha256').update(user).digest().readUInt32LE(0) % userTokens);
}

/** B histories, one after another: S rows for the encoder, each a token, or an item with its P tokens. */
export interface PackedHistories {
  /** [S], or [S*P] where rows are items */
  tokens: Int32Array;
  /** [S] where rows are items; -1 stands for none. */
  items?: Int32Array;
  /** [B+1] history b is the rows offsets[b] .. offsets[b + 1] - 1, at least one. */
  offsets: Offsets;
}

/**
 * What the encoder reads of the last `maxHistory` items, oldest first. Codes: (user token), then theirs, or a padding token where there
 * is nothing to read. Items: each with its codes, or one without any.
 *
 * @param users  [B] original ids; only needed when the vocabulary has user tokens
 */
export function tokenizeHistories(
  vocabulary: Vocabulary,
  ids: SemanticIds,
  histories: readonly Int32Array[],
  { encoderReads, maxHistory }: Pick<TigerConfig, 'encoderReads' | 'maxHistory'>,
  users?: readonly string[],
): PackedHistories {
  return encoderReads === 'items'
    ? packItems(vocabulary, ids, histories, maxHistory)
    : packCodes(vocabulary, ids, histories, maxHistory, users);
}

function packItems(
  vocabulary: Vocabulary,
  ids: SemanticIds,
  histories: readonly Int32Array[],
  maxHistory: number,
): PackedHistories {
  const none = Int32Array.of(-1);
  const latest = histories.map((history) => (history.length > 0 ? history.subarray(-maxHistory) : none));
  const { items, offsets } = packSequences(latest);
  return { tokens: tokenizeItems(vocabulary, ids, items), items, offsets };
}

function packCodes(
  vocabulary: Vocabulary,
  ids: SemanticIds,
  histories: readonly Int32Array[],
  maxHistory: number,
  users?: readonly string[],
): PackedHistories {
  const { offsets: codeOffsets, separator, userTokens } = vocabulary;
  const positions = codeOffsets.length;
  const perItem = positions + (separator === undefined ? 0 : 1);
  const first = userTokens > 0 ? 1 : 0;
  if (first === 1 && users === undefined) {
    throw new TypeError(
      'tiger: users must be given, since the model was trained with user tokens; pass their original ids',
    );
  }
  const offsets = new Int32Array(histories.length + 1);
  for (const [b, history] of histories.entries()) {
    offsets[b + 1] = offsets[b] + Math.max(1, first + Math.min(history.length, maxHistory) * perItem);
  }
  const tokens = new Int32Array(offsets[histories.length]).fill(paddingToken);
  for (const [b, history] of histories.entries()) {
    let at = offsets[b];
    if (first === 1) tokens[at++] = userToken(vocabulary, users![b]);
    for (let i = Math.max(0, history.length - maxHistory); i < history.length; i++) {
      for (let p = 0; p < positions; p++) tokens[at++] = codeOffsets[p] + ids.codes[history[i] * positions + p];
      if (separator !== undefined) tokens[at++] = separator;
    }
  }
  return { tokens, offsets };
}

/** [B*(L+1)] the tokens of one item per row; padding for item -1. */
export function tokenizeItems({ offsets }: Vocabulary, { codes }: SemanticIds, items: Int32Array): Int32Array {
  const positions = offsets.length;
  const tokens = new Int32Array(items.length * positions).fill(paddingToken);
  for (const [row, item] of items.entries()) {
    if (item < 0) continue;
    for (let p = 0; p < positions; p++) tokens[row * positions + p] = offsets[p] + codes[item * positions + p];
  }
  return tokens;
}
