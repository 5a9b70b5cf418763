import type { Generator } from '@codebeam/random';

/** One user's turn in a step. */
export interface Choice {
  user: number;
  /** [k] what is shown, the first place first. */
  shown: Int32Array;
  /** [k] what the user thinks of it: actual scores. */
  scores: Float64Array;
  /** [k] whether the user has met it before. */
  isConsumed: (item: number) => boolean;
  random: Generator;
}

/** Chooses the item that a user interacts with; says its place among those shown. */
export type Choose = (choice: Choice) => number;

/**
 * T-RECS' users: the item of the highest score x place^attentionExp, places counted from 1; the first of equal ones.
 *
 * @param attentionExp       0 for users to whom the place is all one; below 0, the top of the list counts more
 * @param repeatInteractions  false hides what a user has met; where that is all, the first is chosen
 */
export function chooseBest({ attentionExp = 0, repeatInteractions = true } = {}): Choose {
  return ({ shown, scores, isConsumed }) => {
    let best = 0;
    let bestScore = -Infinity;
    for (let place = 0; place < shown.length; place++) {
      if (!repeatInteractions && isConsumed(shown[place])) continue;
      const score = attentionExp === 0 ? scores[place] : scores[place] * (place + 1) ** attentionExp;
      if (score > bestScore) {
        bestScore = score;
        best = place;
      }
    }
    return best;
  };
}

export interface DivisiveNormalization {
  /** Semi-saturation, >= 0. */
  sigma?: number;
  /** Weight of the norm, >= 0. */
  omega?: number;
  /** Order of the norm, > 0. */
  beta?: number;
}

/**
 * Utilities by divisive normalisation: v / (sigma + omega ||v||_beta). What an item is worth depends on what it is shown with. Webb,
 * Glimcher & Louie 2020, "The Normalization of Consumer Valuations", whose fitted parameters are the defaults.
 *
 * @param values  [k] of the items shown
 * @returns [k]; zeros where the divisor is 0
 */
export function dnUtility(
  values: ArrayLike<number>,
  { sigma = 0, omega = 0.2376, beta = 0.9739 }: DivisiveNormalization = {},
): Float64Array {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += Math.abs(values[at]) ** beta;
  const divisor = sigma + omega * sum ** (1 / beta);
  return Float64Array.from(values, (value) => (divisor === 0 ? 0 : value / divisor));
}

/**
 * Discrete-choice users: the highest of {@link dnUtility} + noise, which is normal of variance 1 and correlated .5 between the items shown.
 */
export function chooseByDivisiveNormalization(parameters: DivisiveNormalization = {}): Choose {
  return ({ scores, random }) => {
    const utilities = dnUtility(scores, parameters);
    // Covariance .5 off the diagonal: half the variance is shared, and moves no choice.
    const noisy = utilities.map((utility) => utility + Math.SQRT1_2 * random.normal());
    return noisy.reduce((best, utility, place) => (utility > noisy[best] ? place : best), 0);
  };
}
