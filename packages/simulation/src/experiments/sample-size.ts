import { normalQuantile } from '@codebeam/eval';
import { reachOf } from './confidence-sequence.js';

/** What is known before an experiment. */
export interface ExperimentPlan {
  /** Of the metric over users, without treatment. */
  mean: number;
  /** Standard deviation of the metric over users. */
  deviation: number;
  /** Least effect that is to be found, in percent of the mean. */
  effect: number;
  /** Chance of finding it when it is there. Default .8. */
  power?: number;
  /** Chance of finding it when there is none, on either side. Default .05. */
  alpha?: number;
  /** Comparisons that alpha is shared among (Bonferroni): treatments, or treatments times metrics. Default 1. */
  comparisons?: number;
  /** The effect, in percent, for which the intervals of {@link confidenceSequence} are narrowest, where one is to look at any time. */
  peeking?: number;
}

/**
 * Users that each group needs for a two-sided t-test of two groups of one size and variance to find an effect: 2 (z(1 - alpha/2) +
 * z(power))² (deviation / difference)², and z(1 - alpha/2)² / 4 more for the variance being estimated (Guenther 1981, "Sample size
 * formulas for normal theory t tests"); rounded up. With `peeking` the confidence sequence is to exclude 0 at that size with that power:
 * its half width and z(power) standard errors are to be less than the difference.
 *
 * @throws RangeError naming what is out of its range
 */
export function usersPerGroup(plan: ExperimentPlan): number {
  const { mean, deviation, effect } = plan;
  const difference = Math.abs((effect / 100) * mean);
  if (!(difference > 0)) {
    throw new RangeError(
      `simulation: effect to find must differ from 0, got ${effect} percent of ${mean}; name the least that matters`,
    );
  }
  const { level, quantiles } = quantilesOf(plan);
  const atOneLook = Math.max(2, Math.ceil(2 * (quantiles * (deviation / difference)) ** 2 + level ** 2 / 4));
  if (plan.peeking === undefined) return atOneLook;
  let [low, high] = [1, atOneLook]; // of which low is not enough
  while (foundBySequence(plan, high) > difference) [low, high] = [high, 2 * high];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (foundBySequence(plan, middle) > difference) low = middle;
    else high = middle;
  }
  return high;
}

/** The effect in percent of the mean that groups of so many users find with the power asked for: {@link usersPerGroup} turned round. */
export function detectableEffect(plan: Omit<ExperimentPlan, 'effect'>, users: number): number {
  if (plan.peeking !== undefined) return (100 * foundBySequence(plan, users)) / Math.abs(plan.mean);
  const { level, quantiles } = quantilesOf(plan);
  const effective = users - level ** 2 / 4;
  if (!(effective > 0)) {
    throw new RangeError(`simulation: users of a group must be more than ${level ** 2 / 4}, got ${users}; ask more`);
  }
  return (100 * quantiles * plan.deviation * Math.sqrt(2 / effective)) / Math.abs(plan.mean);
}

/** The difference that a confidence sequence over groups of so many users finds with the power asked for. */
function foundBySequence(plan: Omit<ExperimentPlan, 'effect'>, users: number): number {
  const { mean, deviation, power = 0.8, alpha = 0.05, comparisons = 1, peeking = 0 } = plan;
  const error = (2 * deviation ** 2) / users;
  const prior = ((peeking / 100) * mean) ** 2;
  return reachOf(error, prior / error, alpha / comparisons) + normalQuantile(power) * Math.sqrt(error);
}

function quantilesOf({ deviation, power = 0.8, alpha = 0.05, comparisons = 1 }: Omit<ExperimentPlan, 'effect'>): {
  level: number;
  quantiles: number;
} {
  if (!(deviation >= 0 && deviation < Infinity)) {
    throw new RangeError(`simulation: deviation must be a number from 0, got ${deviation}; measure it on a log`);
  }
  const level = normalQuantile(1 - alpha / comparisons / 2);
  return { level, quantiles: level + normalQuantile(power) };
}

/** How many of `users` have one session at least, when each of so many sessions is of a user drawn evenly: the expected number, rounded. */
export function usersReached(users: number, sessions: number): number {
  return Math.round(users * (1 - (1 - 1 / users) ** sessions));
}
