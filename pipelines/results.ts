import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatResults, type ResultsTable } from '@codebeam/eval';
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
  const best = Object.entries(results.bestPossible ?? {}).map(
    ([metric, { masked }]) => `${metric} ${masked.toFixed(4)}`,
  );
  return `${formatResults(results)}${best.length > 0 ? `best possible on this sample: ${best.join(', ')}\n` : ''}`;
}
