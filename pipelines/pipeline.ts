import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

export const stageNames = [
  'fetch-data',
  'prepare-data',
  'train-sasrec',
  'embed-items',
  'train-rqvae',
  'assign-semantic-ids',
  'train-tiger',
  'evaluate',
] as const;
export type StageName = (typeof stageNames)[number];

const lineSchema = z.record(
  z.enum(stageNames),
  z.strictObject({ reads: z.array(z.enum(stageNames)), packages: z.array(z.string()), sections: z.array(z.string()) }),
);

/** The folder that holds `packages/` and `pipelines/`, from the source as well as from `dist`. */
export const workspaceRoot = dirname(
  basename(import.meta.dirname) === 'dist' ? dirname(import.meta.dirname) : import.meta.dirname,
);

/** What each stage reads, runs and sees: stages.yaml, which the Nx plugin reads as well. */
export const line = lineSchema.parse(parse(readFileSync(join(workspaceRoot, 'pipelines/stages.yaml'), 'utf8')));

/** Where a run's files lie. Nx owns `output`: it restores that folder whole, so nothing else may live there. */
export function stageFolders(run: string, stage: StageName): { output: string; work: string; logs: string } {
  return {
    output: join('checkpoints', run, stage),
    work: join('checkpoints', '.work', run, stage),
    logs: join('checkpoints', run, 'logs', stage),
  };
}
