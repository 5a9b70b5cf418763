import { z } from 'zod';
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
