import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import type { Report } from './launcher.js';
import type { Tracker } from './tracker.js';

export interface MlflowOptions {
  /** Address of the tracking server, without a path to its API. */
  trackingUri: string;
  /** Name of the experiment, which is made if there is none. */
  experiment: string;
  tags?: Readonly<Record<string, string>>;
  /** Sent as a bearer token. */
  token?: string;
  /** After which a request is given up. */
  timeoutMs?: number;
}

const experimentSchema = z.object({ experiment: z.object({ experiment_id: z.string() }) });
const createdSchema = z.object({ experiment_id: z.string() });
const runSchema = z.object({ run: z.object({ info: z.object({ run_id: z.string() }) }) });

const statuses = { complete: 'FINISHED', stopped: 'KILLED', failed: 'FAILED' } as const;

/** Most parameters that one request may log. */
const paramsAtOnce = 100;

/**
 * Logs each run to an MLflow tracking server through its REST API 2.0: options as parameters, reports as metrics whose step is the
 * resource. Nothing but HTTP is needed.
 */
export function mlflowTracker(options: MlflowOptions): Tracker {
  const { tags = {} } = options;
  let experimentId: Promise<string> | undefined;

  return {
    name: 'mlflow',
    async begin(name, values) {
      experimentId ??= findExperiment(options);
      const experiment_id = await experimentId.catch((error) => {
        experimentId = undefined; // the next run asks again
        throw error;
      });
      const created = await call(options, 'runs/create', {
        experiment_id,
        run_name: name,
        start_time: Date.now(),
        tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
      });
      const { run_id } = runSchema.parse(created).run.info;
      const params = Object.entries(values).map(([key, value]) => ({
        key,
        value: typeof value === 'string' ? value : JSON.stringify(value),
      }));
      for (let start = 0; start < params.length; start += paramsAtOnce) {
        await call(options, 'runs/log-batch', { run_id, params: params.slice(start, start + paramsAtOnce) });
      }
      return {
        async report(report) {
          await call(options, 'runs/log-batch', { run_id, metrics: metricsOf(report) });
        },
        async end(status) {
          await call(options, 'runs/update', { run_id, status: statuses[status], end_time: Date.now() });
        },
      };
    },
  };
}

/** MLflow refuses `@` and the like in names: `ndcg@10` becomes `ndcg_at_10`. */
function metricsOf({ resource, metrics }: Report) {
  const timestamp = Date.now();
  return Object.entries(metrics).map(([name, value]) => {
    const key = name.replaceAll('@', '_at_').replace(/[^\w\-. /]/g, '_');
    return { key, value, timestamp, step: Math.round(resource) };
  });
}

async function findExperiment(options: MlflowOptions): Promise<string> {
  const { experiment } = options;
  const path = `experiments/get-by-name?experiment_name=${encodeURIComponent(experiment)}`;
  const found = await call(options, path);
  if (found !== undefined) return experimentSchema.parse(found).experiment.experiment_id;
  return createdSchema.parse(await call(options, 'experiments/create', { name: experiment })).experiment_id;
}

/**
 * Asks, and once more after a second where a server that is overloaded or starts anew has failed; not one that took all the time it had,
 * and not for a run, which may be there twice.
 */
async function call(options: MlflowOptions, path: string, body?: object) {
  try {
    return await ask(options, path, body);
  } catch (error) {
    const isLate = ((error as Error).cause as Error | undefined)?.name === 'TimeoutError';
    if (path === 'runs/create' || error instanceof RefusedError || isLate) throw error;
    await setTimeout(1000);
    return ask(options, path, body);
  }
}

/** The server says that asking again will not help. */
class RefusedError extends Error {}

/**
 * Posts a body, or gets what is there.
 *
 * @returns undefined when there is nothing to get
 */
async function ask({ trackingUri, token, timeoutMs = 10_000 }: MlflowOptions, path: string, body?: object) {
  const url = `${trackingUri.replace(/\/+$/, '')}/api/2.0/mlflow/${path}`;
  const response = await fetch(url, {
    method: body ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    signal: AbortSignal.timeout(timeoutMs),
    ...(body && { body: JSON.stringify(body) }),
  }).catch((cause: Error) => {
    const reason = cause.cause instanceof Error ? cause.cause.message : cause.message;
    throw new Error(`trainers: mlflow must answer at ${trackingUri}, got ${reason}; check trackingUri`, { cause });
  });
  if (!body && response.status === 404) return undefined;
  const text = await response.text();
  const json = response.ok ? parseJson(text) : undefined;
  if (json !== undefined) return json;
  throw new (response.status < 500 && response.status !== 429 ? RefusedError : Error)(
    `trainers: mlflow must accept ${path} at ${trackingUri}, got ${response.status} ${text.slice(0, 200)}; check trackingUri and token`,
  );
}

function parseJson(text: string): object | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a page to log in at, say
  }
}
