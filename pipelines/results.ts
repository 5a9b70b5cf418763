import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { comparedCutOff, cutOffsOf, formatResults, type ResultsTable } from '@codebeam/eval';
import { stageFolders } from './pipeline.js';

/** The content of `checkpoints/<run>/evaluate/metrics.json`. */
export interface RunResults extends ResultsTable {
  /** Of the synthetic sample only: the highest recall that any recommender can expect on its test users. */
  bestPossible?: Record<string, { masked: number; unmasked: number }>;
}

export async function readResults(run: string): Promise<RunResults> {
  return JSON.parse(await readFile(join(stageFolders(run, 'evaluate').output, 'metrics.json'), 'utf8'));
}

/** The results table for the terminal, with the best possible recall where it is known. */
export function formatRunResults(results: RunResults): string {
  const columns = results.protocol.conventions === undefined ? undefined : comparedColumns(results);
  const best = Object.entries(results.bestPossible ?? {}).map(
    ([metric, { masked }]) => `${metric} ${masked.toFixed(4)}`,
  );
  return `${formatResults(results, columns)}${best.length > 0 ? `best possible on this sample: ${best.join(', ')}\n` : ''}`;
}

/** What WarpRec's tables show, at the cut-off nearest to 10; or, by conventions with less than a row of metrics, all of these. */
function comparedColumns(results: RunResults): string[] {
  const { models } = results;
  const all = Object.keys(models[0].metrics);
  if (all.length <= 7) return all;
  const k = comparedCutOff(cutOffsOf(results));
  return ['ndcg', 'precision', 'recall', 'mrr', 'map', 'gini', 'coverage']
    .map((metric) => `${metric}@${k}`)
    .filter((metric) => metric in models[0].metrics);
}
