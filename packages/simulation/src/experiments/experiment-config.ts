import { z } from 'zod';
import { detectableEffect, usersPerGroup } from './sample-size.js';
import { userMetricNames } from './user-metrics.js';

/** What a config says of an experiment besides its treatments. */
export const experimentConfigSchema = z.strictObject({
  name: z.string().min(1).describe('with it users are split'),
  metrics: z.array(z.enum(userMetricNames)).min(1).optional().describe('what is compared; all when left out'),
  alpha: z.number().gt(0).lt(1).default(0.05),
  correction: z.enum(['none', 'bonferroni', 'holm', 'benjamini-hochberg']).default('none').describe('of p-values'),
  peeking: z
    .strictObject({ effect: z.number().positive().describe('in percent') })
    .optional()
    .describe("intervals that hold however often one looks; Welch's when left out"),
  plan: z
    .strictObject({
      mean: z.number(),
      deviation: z.number().positive(),
      effect: z.number().positive().describe('in percent'),
      power: z.number().gt(0).lt(1).default(0.8),
    })
    .optional()
    .describe('what is known of the metric beforehand, for advice on the sample size'),
});
export type ExperimentConfig = z.output<typeof experimentConfigSchema>;

/**
 * How many users an experiment needs, and what it finds with those that there are: lines to print, none without a plan. Where p-values
 * are corrected, alpha is taken to be shared evenly among all comparisons with the control.
 *
 * @param options.groups  treatments with the control
 * @param options.users  of all groups together, where that is known
 */
export function adviseOnSampleSize(
  { plan, alpha, correction, metrics }: ExperimentConfig,
  { groups, users }: { groups: number; users?: number },
): string[] {
  if (!plan) return [];
  const { length } = metrics ?? userMetricNames;
  const known = { ...plan, alpha, comparisons: correction === 'none' ? 1 : (groups - 1) * length };
  const advice = `${usersPerGroup(known)} users in each of ${groups} groups find an effect of ${plan.effect} % with a power of ${plan.power}`;
  if (users === undefined) return [advice];
  const each = Math.floor(users / groups);
  // A variance estimated from fewer says next to nothing.
  const found = each < 20 ? 'are too few to say' : `find one of ${detectableEffect(known, each).toFixed(1)} %`;
  return [advice, `the ${users} users that there are, about ${each} in a group, ${found}`];
}
