import { treatmentName } from '@codebeam/simulation';
import { z } from 'zod';
import type { Service } from '../create-app.js';
import type { MeasuredMetric } from '../experiments.js';
import type { ServiceContext } from '../service-context.js';

const metricSchema = z.object({
  metric: z.string(),
  treatments: z.array(
    z.object({
      treatment: z.string(),
      users: z.int(),
      mean: z.number(),
      effect: z
        .object({ percent: z.number(), low: z.number(), high: z.number(), isSignificant: z.boolean() })
        .optional()
        .describe("against the control, in percent of its mean, with Welch's 95 % interval"),
    }),
  ),
});

/** Running experiments, and what the log says of them so far. */
export function addExperimentRoutes(app: Service, { experiments, analyse, log, onError }: ServiceContext): void {
  type Measured = Readonly<Record<string, readonly MeasuredMetric[]>>;
  let latest: Promise<Measured> | undefined;
  let isFreshUntil = 0;

  /** The log is read again when somebody asks and the last reading was some time ago: the longer, the longer reading takes. */
  function measure(): Promise<Measured> {
    if (!analyse || !log) return Promise.resolve({});
    if (!latest || performance.now() > isFreshUntil) {
      const started = performance.now();
      isFreshUntil = Infinity;
      latest = analyse(log.files)
        .catch((error) => {
          onError(error);
          return {};
        })
        .finally(() => {
          const ended = performance.now();
          isFreshUntil = ended + Math.max(minAgeMs, 10 * (ended - started));
        });
    }
    return latest;
  }

  app.get(
    '/experiments',
    {
      schema: {
        summary: 'Running experiments, with the effects of their treatments so far',
        response: {
          200: z.object({
            experiments: z.array(
              z.object({
                name: z.string(),
                treatments: z.array(z.object({ treatment: z.string(), policy: z.string().optional() })),
                metrics: z.array(metricSchema),
              }),
            ),
          }),
        },
      },
    },
    async () => {
      const measured = await measure();
      return {
        experiments: experiments.map(({ name, treatments }) => ({
          name,
          treatments: treatments.map((policy, bucket) => ({
            treatment: treatmentName(bucket),
            ...(policy && { policy: policy.name }),
          })),
          metrics: (measured[name] ?? []).map(({ metric, treatments }) => ({ metric, treatments: [...treatments] })),
        })),
      };
    },
  );
}

const minAgeMs = 10_000;
