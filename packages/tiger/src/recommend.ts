import { type KeysAndValues, type Precision, tf, withPrecision } from '@codebeam/backend';
import { checkRequest, emptyRecommendations, type Recommender, type RecommendOptions } from '@codebeam/eval';
import type { SemanticIds } from '@codebeam/rqvae';
import { beamSearch, emptyPrefixScores, type GeneratedLists, type ScoreCodes } from './beam-search.js';
import type { TigerConfig } from './config.js';
import { continueRows, disposeKvCache, type KvCache } from './kv-cache.js';
import { blockItems, createPrefixTrie, type PrefixTrie } from './prefix-trie.js';
import { generateStep, startDecoding, type Tiger } from './tiger.js';
import { createVocabulary, informativePositions, paddingToken, tokenizeHistories, type Vocabulary } from './tokens.js';

/** A trained model with everything it needs to turn histories into items. */
export interface TigerModel {
  config: TigerConfig;
  params: Tiger;
  /** The informative positions alone, as the vocabulary and the trie have them. */
  ids: SemanticIds;
  vocabulary: Vocabulary;
  trie: PrefixTrie;
}

/**
 * @param params  of a vocabulary of the informative positions of `ids`
 * @throws RangeError when the IDs have more or fewer tokens than the params, as when an appended item needs a new collision code
 */
export function createTigerModel(config: TigerConfig, ids: SemanticIds, params: Tiger): TigerModel {
  const read = informativePositions(ids);
  const vocabulary = createVocabulary(read, config);
  const [tokens] = params.embedding.shape;
  if (vocabulary.size !== tokens) {
    throw new RangeError(
      `tiger: semantic IDs must have the ${tokens} tokens that the model has learnt, got ${vocabulary.size} with ${ids.sizes.join(' x ')} codes; leave out new items whose collision code is new, or train again`,
    );
  }
  return { config, params, ids: read, vocabulary, trie: createPrefixTrie(read) };
}

/** TIGER on the interface of all recommenders, with what only generation can do. */
export interface TigerRecommender extends Recommender {
  /**
   * @param options.blocked  [B] items that the search must not enter for a history, besides those that `maskHistory` masks. What is left
   *                         is searched as if the catalogue held nothing else, but for probabilities, which stay those of the whole
   */
  recommend(
    histories: readonly Int32Array[],
    k: number,
    options: RecommendOptions & { blocked?: readonly Int32Array[] },
  ): Promise<GeneratedLists>;
}

/**
 * TIGER as a recommender: the k items whose semantic IDs beam search finds most probable.
 *
 * @param beamWidth  W; lists change a little with it, and time in proportion. It is raised to k where k is larger.
 * @param batchSize  users decoded at a time; changes speed and memory only. Default: as many as have some 4,096 beams, so that
 *                   packing the weights for a step costs little beside their products
 * @param precision  of matrix products while lists are made (`setPrecision` of @codebeam/backend); as it is set when left out
 */
export function createTigerRecommender(
  model: TigerModel,
  {
    beamWidth,
    batchSize = Math.ceil(4096 / beamWidth),
    precision,
  }: { beamWidth: number; batchSize?: number; precision?: Precision },
): TigerRecommender {
  const { config, ids, trie } = model;
  return {
    name: 'tiger',
    parameters: { beamWidth, ...(precision && { precision }) },
    async recommend(histories, k, options) {
      checkRequest('tiger', histories, k, ids.numItems, options);
      const { maskHistory, users, blocked } = options;
      const lists = {
        ...emptyRecommendations(histories.length, k),
        prefixScores: emptyPrefixScores(histories.length * k, trie.depth),
      };
      const blockedNodes = (row: number) =>
        blockItems(trie, [...(maskHistory ? histories[row] : []), ...(blocked ? blocked[row] : [])]);
      // Histories of like length are decoded together, so that next to nothing is padding.
      const order = Int32Array.from(histories, (_, row) => row);
      const length = (row: number) => Math.min(histories[row].length, config.maxHistory);
      order.sort((a, b) => length(a) - length(b));
      for (let start = 0; start < order.length; start += batchSize) {
        const rows = Array.from(order.subarray(start, start + batchSize));
        const batch = rows.map((row) => histories[row]);
        const scorer = createScorer(model, batch, users && rows.map((row) => users[row]), precision);
        try {
          const found = await beamSearch(scorer.scoreCodes, {
            trie,
            sizes: ids.sizes,
            batch: batch.length,
            beamWidth: Math.max(beamWidth, k),
            k,
            constrainedSoftmax: config.constrainedSoftmax,
            ...((maskHistory || blocked) && { blocked: rows.map(blockedNodes) }),
          });
          for (const [i, row] of rows.entries()) copyList(found, i, lists, row);
        } finally {
          scorer.dispose();
        }
      }
      return lists;
    },
  };
}

function copyList(from: GeneratedLists, list: number, to: GeneratedLists, row: number): void {
  const { k } = to;
  const codes = to.prefixScores.length / to.items.length; // codes of a list
  to.prefixScores.set(from.prefixScores.subarray(list * k * codes, (list + 1) * k * codes), row * k * codes);
  to.items.set(from.items.subarray(list * k, (list + 1) * k), row * k);
  to.scores.set(from.scores.subarray(list * k, (list + 1) * k), row * k);
}

/**
 * The model as the function that a search over codes asks. The histories are encoded once, at level 0; the keys and
 * values of chosen codes are kept from level to level. Under a constrained softmax only the level's own codes are scored.
 *
 * @param precision  of the model's matrix products; as it is set when left out
 */
export function createScorer(
  { config, params, ids, vocabulary }: TigerModel,
  histories: readonly Int32Array[],
  users?: readonly string[],
  precision?: Precision,
): { scoreCodes: ScoreCodes; dispose: () => void } {
  const tokenized = tokenizeHistories(vocabulary, ids, histories, config, users);
  let held: { cache: KvCache; position: KeysAndValues[] } | undefined;

  const scoreCodes: ScoreCodes = (level, parents, codes) => {
    const first = vocabulary.offsets[level];
    const columns = config.constrainedSoftmax ? { first, size: vocabulary.sizes[level] } : undefined;
    const cache = held
      ? continueRows(held.cache, held.position, parents)
      : tf.tidy(() => startDecoding(params, tokenized, config));
    const tokens =
      level === 0
        ? new Int32Array(histories.length).fill(paddingToken)
        : codes.map((code) => vocabulary.offsets[level - 1] + code);
    const { logits, position } = tf.tidy(() => generateStep(params, tokens, cache, config, columns));
    held = { cache, position };
    return { logits, first: columns ? 0 : first };
  };

  return {
    scoreCodes: (...step) => withPrecision(precision, () => scoreCodes(...step)),
    dispose: () => {
      if (held) disposeKvCache(continueRows(held.cache, held.position, new Int32Array(0)));
      held = undefined;
    },
  };
}
