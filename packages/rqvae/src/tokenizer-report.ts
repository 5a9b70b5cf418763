import type { Sequences } from '@codebeam/data';
import { type Key, shuffle } from '@codebeam/random';
import { codebookUsage, entropyOf, type LevelUsage } from './codebook-usage.js';
import { groupByPrefix, type SemanticIds } from './semantic-ids.js';

/** What one can know about semantic IDs before a recommender is trained on them. Plain JSON. */
export interface TokenizerReport {
  items: number;
  levels: number;
  codebookSize: number;
  reconstruction?: Reconstruction;
  usage: LevelUsage[];
  collisions: Collisions;
  categories?: PrefixPurity[];
  coOccurrence?: PrefixAgreement[];
}

/** Of normalised inputs; means over items. */
export interface Reconstruction {
  /** Mean squared error per component. */
  mse: number;
  rmse: number;
  cosineSimilarity: number;
}

/** How far the L codes alone tell items apart, before the collision code. */
export interface Collisions {
  /** Different L-tuples of codes / items, in (0, 1]. */
  distinctTuples: number;
  /** Share of items that share their L codes with another. */
  collisionRate: number;
  largestGroup: number;
  /** Of a random item's L codes, in bits; log2 N when all differ. */
  entropy: number;
}

/** How well groups of items with the same first codes agree with a label. */
export interface PrefixPurity {
  /** Codes in the prefix. */
  length: number;
  groups: number;
  /** Share of items whose label is the most frequent one of their group. */
  purity: number;
  /** Mutual information of group and label over the mean of their entropies, in [0, 1]. */
  normalisedMutualInformation: number;
  /** The same numbers with the IDs dealt out to the items at random: groups of the same sizes. */
  random: { purity: number; normalisedMutualInformation: number };
}

/** How often items that follow each other in a history share their first codes. */
export interface PrefixAgreement {
  /** Codes in the prefix. */
  length: number;
  /** Share of consecutive pairs with equal prefixes. */
  consecutive: number;
  /** The same share if each pair's second item were drawn from all second items instead. */
  random: number;
}

/**
 * @param options.reconstruction  measured by the trainer, as it needs the model
 * @param options.labels          one category per item; prefixes of 1 and 2 codes are compared with them
 * @param options.sequences       training histories; prefixes of every length are compared on consecutive items
 * @param options.key             deals out the random IDs of the baseline
 */
export function reportTokenizer(
  ids: SemanticIds,
  options: { reconstruction?: Reconstruction; labels?: readonly string[]; sequences?: Sequences; key: Key },
): TokenizerReport {
  const { reconstruction, labels, sequences, key } = options;
  const { levels, numItems, codes } = ids;
  const codebookSize = Math.max(...ids.sizes.slice(0, levels));
  return {
    items: numItems,
    levels,
    codebookSize,
    ...(reconstruction && { reconstruction }),
    usage: codebookUsage(codes, { levels, codebookSize, width: levels + 1 }),
    collisions: measureCollisions(ids),
    ...(labels && {
      categories: Array.from({ length: Math.min(2, levels) }, (_, i) => measurePurity(ids, i + 1, labels, key)),
    }),
    ...(sequences && {
      coOccurrence: Array.from({ length: levels }, (_, i) => measureAgreement(ids, i + 1, sequences)),
    }),
  };
}

export function measureCollisions({ codes, levels, numItems }: SemanticIds): Collisions {
  const { groups, numGroups } = groupByPrefix(codes, levels + 1, levels);
  const sizes = countOf(groups, numGroups);
  let shared = 0;
  for (const size of sizes) if (size > 1) shared += size;
  return {
    distinctTuples: numGroups / numItems,
    collisionRate: shared / numItems,
    largestGroup: sizes.reduce((largest, size) => Math.max(largest, size), 0),
    entropy: entropyOf(sizes),
  };
}

export function measurePurity(ids: SemanticIds, length: number, labels: readonly string[], key: Key): PrefixPurity {
  if (labels.length !== ids.numItems) {
    throw new RangeError(`rqvae: labels must be one for each of ${ids.numItems} items, got ${labels.length}`);
  }
  const { groups, numGroups } = groupByPrefix(ids.codes, ids.levels + 1, length);
  const numbers = new Map([...new Set(labels)].map((label, i) => [label, i]));
  const labelNumbers = Int32Array.from(labels, (label) => numbers.get(label)!);
  const shuffled = groups.slice();
  shuffle(key, shuffled);
  const compare = (grouping: Int32Array) => compareGroups(grouping, numGroups, labelNumbers, numbers.size);
  return { length, groups: numGroups, ...compare(groups), random: compare(shuffled) };
}

/** Weighted purity and normalised mutual information. Manning, Raghavan & Schütze 2008, sec. 16.3. */
function compareGroups(groups: Int32Array, numGroups: number, labels: Int32Array, numLabels: number) {
  const table = new Float64Array(numGroups * numLabels); // [groups, labels]
  groups.forEach((group, item) => {
    table[group * numLabels + labels[item]]++;
  });
  let pure = 0;
  for (let group = 0; group < numGroups; group++) {
    pure += table.subarray(group * numLabels, (group + 1) * numLabels).reduce((a, b) => Math.max(a, b), 0);
  }
  const groupEntropy = entropyOf(countOf(groups, numGroups));
  const labelEntropy = entropyOf(countOf(labels, numLabels));
  const mutualInformation = groupEntropy + labelEntropy - entropyOf(table);
  const mean = (groupEntropy + labelEntropy) / 2;
  return {
    purity: pure / groups.length,
    normalisedMutualInformation: mean > 0 ? Math.max(0, mutualInformation) / mean : 1,
  };
}

export function measureAgreement(
  ids: SemanticIds,
  length: number,
  { offsets, items }: Pick<Sequences, 'offsets' | 'items'>,
): PrefixAgreement {
  const { groups, numGroups } = groupByPrefix(ids.codes, ids.levels + 1, length);
  // First and second items of pairs, counted by group and by item.
  const [firstGroups, secondGroups] = [new Float64Array(numGroups), new Float64Array(numGroups)];
  const [firstItems, secondItems] = [new Float64Array(ids.numItems), new Float64Array(ids.numItems)];
  let pairs = 0;
  let equal = 0;
  for (let user = 0; user + 1 < offsets.length; user++) {
    for (let at = offsets[user]; at + 1 < offsets[user + 1]; at++) {
      const [first, second] = [items[at], items[at + 1]];
      if (first === second) continue;
      pairs++;
      if (groups[first] === groups[second]) equal++;
      firstGroups[groups[first]]++;
      secondGroups[groups[second]]++;
      firstItems[first]++;
      secondItems[second]++;
    }
  }
  // An item always agrees with itself, so such pairs are left out here as they were above.
  const same = dot(firstItems, secondItems);
  const others = pairs ** 2 - same;
  return {
    length,
    consecutive: pairs > 0 ? equal / pairs : 0,
    random: others > 0 ? (dot(firstGroups, secondGroups) - same) / others : 0,
  };
}

function countOf(groups: Int32Array, numGroups: number): Int32Array {
  const counts = new Int32Array(numGroups);
  for (const group of groups) counts[group]++;
  return counts;
}

const dot = (x: Float64Array, y: Float64Array) => x.reduce((sum, value, i) => sum + value * y[i], 0);
