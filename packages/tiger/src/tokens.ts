import { createHash } from 'node:crypto';
import type { Offsets } from '@codebeam/backend';
import type { SemanticIds } from '@codebeam/rqvae';

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

export function createVocabulary(
  { sizes }: Pick<SemanticIds, 'sizes'>,
  { separator, userTokens }: { separator: boolean; userTokens: number },
): Vocabulary {
  let next = paddingToken + 1;
  const offsets = sizes.map((size) => {
    const offset = next;
    next += size;
    return offset;
  });
  const separators = separator ? { separator: next++ } : {};
  return { offsets, sizes: [...sizes], ...separators, userOffset: next, userTokens, size: next + userTokens };
}

/**
 * The token of a user: a hash of the original id, so it is the same in every process and for users never seen.
 * TIGER sec. 4.1 hashes users into 2,000 tokens.
 */
export function userToken({ userOffset, userTokens }: Vocabulary, user: string): number {
  return userOffset + (createHash('sha256').update(user).digest().readUInt32LE(0) % userTokens);
}

/** The tokens of B histories, one after another. */
export interface PackedTokens {
  /** [S] int32 */
  tokens: Int32Array;
  /** [B+1] history b is the tokens offsets[b] .. offsets[b + 1] - 1, at least one. */
  offsets: Offsets;
}

/**
 * The encoder's input: (user token), then the codes of the last `maxHistory` items, oldest first; a padding token where
 * there is nothing to read.
 *
 * @param users  [B] original ids; only needed when the vocabulary has user tokens
 */
export function tokenizeHistories(
  vocabulary: Vocabulary,
  ids: SemanticIds,
  histories: readonly Int32Array[],
  maxHistory: number,
  users?: readonly string[],
): PackedTokens {
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

/** [B*(L+1)] the tokens of one item per row. */
export function tokenizeTargets(vocabulary: Vocabulary, ids: SemanticIds, targets: Int32Array): Int32Array {
  const { offsets } = vocabulary;
  const positions = offsets.length;
  return Int32Array.from(
    { length: targets.length * positions },
    (_, i) => offsets[i % positions] + ids.codes[targets[Math.floor(i / positions)] * positions + (i % positions)],
  );
}
