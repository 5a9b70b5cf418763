import { once } from 'node:events';
import { createRequire } from 'node:module';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import {
  analyseUsers,
  analysisOptions,
  type ExperimentAnalysis,
  readEventLines,
  sessionise,
  userMetrics,
} from '@codebeam/simulation';
import type { AnalyseLog, MeasuredMetric } from './experiments.js';
import type { ServeConfig } from './serve-config.js';

type Measured = Awaited<ReturnType<AnalyseLog>>;
interface Question {
  files: readonly string[];
  experiments: ServeConfig['experiments'];
}

/** Reads a log and analyses its experiments in a thread of its own: a log may have millions of events, and requests do not wait. */
export function analyseInThread(experiments: ServeConfig['experiments']): AnalyseLog {
  return async (files) => {
    const question: Question = { files, experiments };
    // The built program, also where this file runs from source.
    const program = createRequire(import.meta.url).resolve('@codebeam/serving/analyse-log');
    const worker = new Worker(program, { workerData: question, execArgv: [] });
    worker.unref(); // a service that ends does not wait
    try {
      const [measured] = await once(worker, 'message');
      return measured as Measured;
    } finally {
      await worker.terminate();
    }
  };
}

/** What a log says of experiments. One whose groups have too few users yet is left out. */
export async function analyseLog({ files, experiments }: Question): Promise<Measured> {
  const users = userMetrics(sessionise(await readEventLines(files)));
  const measured: Record<string, readonly MeasuredMetric[]> = {};
  for (const { name, ...options } of experiments) {
    const analysis = tryTo(() => analyseUsers(users, name, analysisOptions(options)));
    if (analysis) measured[name] = metricsOf(analysis);
  }
  return measured;
}

/** Nothing where the log has too few users. */
function tryTo<T>(analyse: () => T): T | undefined {
  try {
    return analyse();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function metricsOf({ groups, effects }: ExperimentAnalysis): MeasuredMetric[] {
  return Object.keys(groups[0].metrics).map((metric) => ({
    metric,
    treatments: groups.map(({ treatment, users, metrics }) => {
      const effect = effects.find((one) => one.metric === metric && one.treatment === treatment);
      return {
        ...{ treatment, users, mean: metrics[metric].mean },
        ...(effect && {
          effect: {
            ...{ percent: effect.percent.mean, low: effect.percent.low, high: effect.percent.high },
            isSignificant: effect.isSignificant,
          },
        }),
      };
    }),
  }));
}

if (!isMainThread && parentPort && workerData) parentPort.postMessage(await analyseLog(workerData as Question));
