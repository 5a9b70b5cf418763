import { emptyRecommendations, type Recommendations } from '@codebeam/eval';
import { createGenerator, foldIn, type Key } from '@codebeam/random';
import { blockItems } from './prefix-trie.js';
import { createScorer, type TigerModel } from './recommend.js';

export interface SampleOptions {
  /** Divides the logits: below 1 sharper, above 1 flatter. */
  temperature?: number;
  /** Draw among the k most probable codes of a level only. */
  topK?: number;
  /** Draw among the most probable codes of a level that together reach this probability (Holtzman et al. 2020). */
  topP?: number;
  maskHistory: boolean;
  /** Original user ids, for models with a user token. */
  users?: readonly string[];
  key: Key;
}

/**
 * Draws items from the model instead of searching for the best: code by code, among those that lead to an item. Their
 * probabilities are normalised here, so it makes no difference whether the model's softmax was constrained.
 *
 * @param count  draws per user
 * @returns in order of drawing, repeats possible; scores are log-probabilities under the tempered, truncated distribution
 */
export async function sampleItems(
  model: TigerModel,
  histories: readonly Int32Array[],
  count: number,
  options: SampleOptions,
): Promise<Recommendations> {
  const { temperature = 1, topK = Infinity, topP = 1, maskHistory, users, key } = options;
  if (!(temperature > 0)) throw new RangeError(`tiger: temperature must be positive, got ${temperature}`);
  if (!(topK >= 1)) throw new RangeError(`tiger: topK must be at least 1, got ${topK}`);
  if (!(topP > 0 && topP <= 1)) throw new RangeError(`tiger: topP must be in (0, 1], got ${topP}`);
  const { trie } = model;
  const blocked = maskHistory ? histories.map((history) => new Set(blockItems(trie, history))) : undefined;
  const draws = emptyRecommendations(histories.length, count);
  const scorer = createScorer(model, histories, users);
  try {
    const rows = histories.length * count;
    let nodes = new Int32Array(rows); // [B*count]
    const scores = new Float64Array(rows);
    let parents = Int32Array.from(histories, (_, user) => user);
    let codes = new Int32Array(0);
    for (let level = 0; level < trie.depth; level++) {
      const { logits, first } = scorer.scoreCodes(level, parents, codes);
      const columns = logits.shape[1];
      const values = (await logits.data()) as Float32Array;
      logits.dispose();
      const nextNodes = new Int32Array(rows).fill(-1);
      const nextCodes = new Int32Array(rows);
      for (let row = 0; row < rows; row++) {
        const user = Math.floor(row / count);
        const from = (level === 0 ? user : row) * columns + first;
        const node = nodes[row];
        if (node < 0) continue;
        const choices: Choice[] = [];
        for (let child = trie.firstChild[node]; child < trie.firstChild[node + 1]; child++) {
          if (!blocked?.[user].has(child)) {
            choices.push({ node: child, weight: values[from + trie.code[child]] / temperature });
          }
        }
        if (choices.length === 0) continue;
        const chosen = draw(truncate(choices, topK, topP), createGenerator(foldIn(foldIn(key, level), row)).uniform());
        nextNodes[row] = chosen.node;
        nextCodes[row] = trie.code[chosen.node];
        scores[row] += Math.log(chosen.weight);
      }
      parents = Int32Array.from({ length: rows }, (_, row) => (level === 0 ? Math.floor(row / count) : row));
      nodes = nextNodes;
      codes = nextCodes;
    }
    for (let row = 0; row < rows; row++) {
      if (nodes[row] < 0) continue;
      draws.items[row] = trie.itemOfLeaf[nodes[row] - trie.firstLeaf];
      draws.scores[row] = scores[row];
    }
    return draws;
  } finally {
    scorer.dispose();
  }
}

interface Choice {
  node: number;
  weight: number;
}

/** The choice at which the running sum of weights passes `uniform`, a number in [0, 1). */
function draw(choices: readonly Choice[], uniform: number): Choice {
  let sum = 0;
  for (const choice of choices) {
    sum += choice.weight;
    if (uniform < sum) return choice;
  }
  return choices[choices.length - 1];
}

/** The choices that truncation keeps, most probable first, with weights that sum to one. */
function truncate(choices: Choice[], topK: number, topP: number): Choice[] {
  const sorted = choices.sort((a, b) => b.weight - a.weight || a.node - b.node);
  const exponentials = sorted.map(({ weight }) => Math.exp(weight - sorted[0].weight));
  const total = exponentials.reduce((sum, value) => sum + value, 0);
  let mass = 0;
  let kept = 0;
  while (kept < Math.min(topK, sorted.length) && mass < topP * total) mass += exponentials[kept++];
  return sorted.slice(0, kept).map(({ node }, i) => ({ node, weight: exponentials[i] / mass }));
}
