import { checkRequest, emptyRecommendations, type Recommendations, type Recommender, writeTopK } from '@codebeam/eval';

export interface HybridPart {
  recommender: Recommender;
  /** How much its log-probabilities count, above 0. */
  weight: number;
  /** A score as a logit: `countLogit` for counts. Log-probabilities and inner products are logits as they are, the default. */
  logit?: (score: number) => number;
}

/** Logarithm of a weighted count; items that a model only fills its list up with, with scores of 0 or less, are very unlikely. */
export const countLogit = (score: number): number => Math.log(Math.max(score, 1e-4));

/**
 * A weighted sum of what several recommenders think of the items that any of them lists: late fusion, as in federated search
 * (Fox & Shaw 1994, CombSUM).
 *
 * Each part is asked for its `depth` best items, and its scores become log-probabilities over that list (log-softmax). An item that is
 * not on the list gets the least of them. What weights and depth are good is for the validation part to say.
 *
 * @param numItems  N, the size of the catalogue
 * @throws RangeError when there is no part, a weight is not positive, or depth is no positive integer
 */
export function createHybridRecommender(
  parts: readonly HybridPart[],
  numItems: number,
  { name = 'hybrid', depth = 100 }: { name?: string; depth?: number } = {},
): Recommender {
  const stray = parts.find(({ weight }) => !(weight > 0 && weight < Infinity));
  if (parts.length === 0 || stray) {
    throw new RangeError(
      `${name}: parts must be one or more with positive weights, got ${stray ? `${stray.weight} for ${stray.recommender.name}` : 'none'}; leave out what is not to count`,
    );
  }
  if (!Number.isInteger(depth) || depth < 1) {
    throw new RangeError(`${name}: depth must be a positive integer, got ${depth}; 100 is usual`);
  }
  const sums = new Float64Array(numItems); // [N], one history's
  return {
    name,
    parameters: {
      ...Object.fromEntries(parts.map(({ recommender, weight }) => [recommender.name, weight])),
      depth,
      ...(parts[0].recommender.parameters?.fittedOn && { fittedOn: parts[0].recommender.parameters.fittedOn }),
    },
    async recommend(histories, k, options) {
      checkRequest(name, histories, k, numItems, options);
      const length = Math.min(Math.max(depth, k), numItems);
      const lists: Recommendations[] = [];
      for (const { recommender } of parts) lists.push(await recommender.recommend(histories, length, options));
      const recommendations = emptyRecommendations(histories.length, k);
      for (let row = 0; row < histories.length; row++) {
        const from = row * length;
        sums.fill(-Infinity);
        // What an item has that is on no list: the least of each. Whatever a list says comes on top.
        let least = 0;
        const gains = parts.map(({ weight, logit = (score) => score }, part) => {
          const scores = lists[part].scores.subarray(from, from + length);
          const values = logProbabilities(Array.from(scores, (score) => (score > -Infinity ? logit(score) : score)));
          const lowest = values.findLast((value) => value > -Infinity) ?? 0;
          least += weight * lowest;
          return values.map((value) => weight * Math.max(value - lowest, 0));
        });
        gains.forEach((gain, part) => {
          for (const [place, item] of lists[part].items.subarray(from, from + length).entries()) {
            if (item >= 0) sums[item] = Math.max(sums[item], least) + gain[place];
          }
        });
        writeTopK(sums, recommendations, row);
      }
      return recommendations;
    },
  };
}

/** Log-softmax of a list's logits, best first; the rest of a list that ends early stays -Infinity. */
function logProbabilities(logits: readonly number[]): number[] {
  const [top] = logits;
  if (top === -Infinity) return [...logits];
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - top), 0);
  return logits.map((logit) => logit - top - Math.log(sum));
}
