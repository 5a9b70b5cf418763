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
  'fit-recommenders',
  'evaluate',
  'run-experiment',
] as const;
export type StageName = (typeof stageNames)[number];

const stageSchema = z.strictObject({
  code: z.string().optional(),
  reads: z.array(z.enum(stageNames)),
  packages: z.array(z.string()),
  sections: z.array(z.string()),
});
const lineSchema = z.partialRecord(z.enum(stageNames), stageSchema);

/** The folder that holds `packages/` and `pipelines/`, from the source as well as from `dist`. */
export const workspaceRoot = dirname(
  basename(import.meta.dirname) === 'dist' ? dirname(import.meta.dirname) : import.meta.dirname,
);

/** What each stage of a line reads, runs and sees: stages.yaml, which the Nx plugin reads as well. */
const lines = z
  .strictObject({ generative: lineSchema, recommenders: lineSchema, experiment: lineSchema })
  .parse(parse(readFileSync(join(workspaceRoot, 'pipelines/stages.yaml'), 'utf8')));
export type LineName = keyof typeof lines;

/** The line that a config goes along: the last that it has a section for, else the generative one. */
export function lineOf(config: object): LineName {
  return (Object.keys(lines) as LineName[]).findLast((line) => line in config) ?? 'generative';
}

/** The stages that a config goes through, in their order. */
export function stagesOf(config: object): readonly StageName[] {
  return Object.keys(lines[lineOf(config)]) as StageName[];
}

/** @throws RangeError when the stage is not one of the config's line */
export function stageOf(config: object, name: string): z.output<typeof stageSchema> {
  const line: Partial<Record<string, z.output<typeof stageSchema>>> = lines[lineOf(config)];
  const stage = line[name];
  if (stage) return stage;
  throw new RangeError(`pipelines: stage must be one of ${stagesOf(config).join(', ')}, got ${name}`);
}

/** Where a run's files lie. Nx owns `output`: it restores that folder whole, so nothing else may live there. */
export function stageFolders(run: string, stage: StageName): { output: string; work: string; logs: string } {
  return {
    output: join('checkpoints', run, stage),
    work: join('checkpoints', '.work', run, stage),
    logs: join('checkpoints', run, 'logs', stage),
  };
}
