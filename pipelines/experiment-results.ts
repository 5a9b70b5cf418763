import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ExperimentAnalysis, formatExperiment } from '@codebeam/simulation';
import { stageFolders } from './pipeline.js';

/** The content of `checkpoints/<run>/run-experiment/experiment.json`. */
export interface ExperimentResults {
  /** What played, the control first. */
  treatments: string[];
  sessions: number;
  events: number;
  /** Against the control, and then against other treatments as the config asks. */
  analyses: [ExperimentAnalysis, ...ExperimentAnalysis[]];
}

export async function readExperiment(run: string): Promise<ExperimentResults> {
  return JSON.parse(await readFile(join(stageFolders(run, 'run-experiment').output, 'experiment.json'), 'utf8'));
}

/** A table for each treatment that others are compared with. */
export function formatExperimentResults({ analyses, treatments }: ExperimentResults): string {
  return analyses.map((analysis) => `${formatExperiment(analysis, treatments)}\n`).join('\n');
}
