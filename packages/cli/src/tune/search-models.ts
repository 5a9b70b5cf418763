import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '@codebeam/data';
import { type DataSize, type FitEstimate, recommenderModels } from '@codebeam/recommenders';
import {
  type Launcher,
  mlflowTracker,
  processLauncher,
  runStudy,
  type SearchSpace,
  type Study,
  type Tracker,
} from '@codebeam/trainers/search';
import { planOf, spacesOf, type TuneConfig } from './tune-config.js';

/** Where a search is, and what it goes by. */
export interface Search {
  config: TuneConfig;
  /** The file that holds the config for workers. */
  recordPath: string;
  /** That the config's paths start from. */
  folder: string;
  output: string;
}

/** Where a model's study lies. */
export const studyFolder = (output: string, model: string) => join(output, 'studies', model);

/** Starts workers for a model; they load the data once each. */
function workersOf(search: Search, model: string, purpose: 'search' | 'estimate', concurrency: number): Launcher {
  const args = [search.recordPath, search.folder, model, purpose];
  return processLauncher(new URL('./tune-worker.js', import.meta.url), { concurrency, args });
}

/**
 * What a trial of each model needs, by its first: measured in a process of its own where models are trained in steps, by formula where
 * there is one. Kept in `estimates.json`, so that a search that goes on does not measure again.
 */
export async function estimateTrials(search: Search, size: DataSize): Promise<Record<string, FitEstimate>> {
  const path = join(search.output, 'estimates.json');
  const known = await readFile(path, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known);
  const estimates: Record<string, FitEstimate> = {};
  for (const [model, space] of spacesOf(search.config)) {
    const { stepsPerEpoch, estimateBytes } = recommenderModels[model];
    if (stepsPerEpoch) estimates[model] = await measureTrial(search, model, space);
    else estimates[model] = estimateBytes ? { estimatedBytes: estimateBytes(size) } : {};
  }
  await writeFileAtomically(path, `${JSON.stringify(estimates, null, 2)}\n`);
  return estimates;
}

async function measureTrial(search: Search, model: string, space: SearchSpace): Promise<FitEstimate> {
  const { sampler, seed } = planOf(search.config, space);
  const values = sampler.propose(space, { seed, trial: 0, history: [] })!;
  const workers = workersOf(search, model, 'estimate', 1);
  let estimate: FitEstimate = {};
  try {
    await workers.launch({ number: 0, values, seed, folder: search.output }, async ({ metrics }) => {
      estimate = metrics;
      return 'continue';
    });
  } catch {
    // The first trial will fail alike, and say why.
  } finally {
    await workers.close();
  }
  return estimate;
}

/** Searches each model's options, one model after another, each as a study of its own. */
export async function searchModels(search: Search, log: (line: string) => void): Promise<Study[]> {
  const { config, output } = search;
  const { concurrency } = config.search;
  const studies: Study[] = [];
  for (const [model, space] of spacesOf(config)) {
    const launcher = workersOf(search, model, 'search', concurrency);
    try {
      const study = await runStudy({
        ...planOf(config, space),
        launcher,
        folder: studyFolder(output, model),
        trackers: trackersOf(config),
        name: model,
        log: (line) => log(`${model}: ${line}`),
      });
      studies.push(study);
    } finally {
      await launcher.close();
    }
  }
  return studies;
}

function trackersOf({ trackers: { mlflow } }: TuneConfig): Tracker[] {
  const token = process.env.MLFLOW_TRACKING_TOKEN;
  return mlflow ? [mlflowTracker({ ...mlflow, ...(token && { token }) })] : [];
}
