import { z } from 'zod';
import { detectableEffect, usersPerGroup } from './sample-size.js';
import { userMetricNames } from './user-metrics.js';

/** An experiment among policies, and how it is analysed. */
export const experimentSchema = z.strictObject({
  name: z.string().min(1),
  treatments: z.array(z.string()).min(2).max(100).describe("names of policies, the control's first"),
  metrics: z.array(z.enum(userMetricNames)).min(1).optional(),
  alpha: z.number().gt(0).lt(1).default(0.05),
  correction: z.enum(['none', 'bonferroni', 'holm', 'benjamini-hochberg']).default('none'),
  peeking: z
    .strictObject({ effect: z.number().positive().describe('in percent, for which intervals are narrowest') })
    .optional()
    .describe('intervals that hold however often one looks'),
});

/** What is known of a metric before an experiment, for advice on the sample size. */
export const planSchema = z.strictObject({
  mean: z.number(),
  deviation: z.number().positive(),
  effect: z.number().positive().describe('in percent'),
  power: z.number().gt(0).lt(1).default(0.8),
});

/** The options of `analyseExperiment` among those. */
export function analysisOptions({
  metrics,
  alpha,
  correction,
  peeking,
}: Omit<z.output<typeof experimentSchema>, 'name' | 'treatments'>) {
  return { alpha, correction, ...(metrics && { metrics }), ...(peeking && { peeking }) };
}

/**
 * How many users an experiment needs, and what it finds with those that there are: lines to print, none without a plan. Where p-values
 * are corrected, alpha is taken to be shared evenly among all comparisons with the control.
 *
 * @param users  of all groups together, where that is known; {@link usersReached} by a number of sessions
 */
export function adviseOnSampleSize(
  {
    plan,
    treatments,
    metrics,
    alpha,
    correction,
    peeking,
  }: z.output<typeof experimentSchema> & { plan?: z.output<typeof planSchema> | undefined },
  users?: number,
): string[] {
  if (!plan) return [];
  const groups = treatments.length;
  const { length } = metrics ?? userMetricNames;
  const known = {
    ...plan,
    alpha,
    comparisons: correction === 'none' ? 1 : (groups - 1) * length,
    ...(peeking && { peeking: peeking.effect }),
  };
  const when = peeking ? ' by then, however often one looks' : '';
  const advice = `${usersPerGroup(known)} users in each of ${groups} groups find an effect of ${plan.effect} % with a power of ${plan.power}${when}`;
  if (users === undefined) return [advice];
  const each = Math.floor(users / groups);
  // A variance estimated from fewer says next to nothing.
  const found = each < 20 ? 'are too few to say' : `find one of ${detectableEffect(known, each).toFixed(1)} %`;
  return [advice, `the ${users} users to be expected, about ${each} in a group, ${found}`];
}
