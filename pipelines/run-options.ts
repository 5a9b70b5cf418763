import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { type Config, type Variant, variants } from './config.js';
import { resolveConfig } from './resolve-config.js';

/** Options that a single stage and a whole pipeline share. */
export interface RunOptions {
  run?: string;
  raw?: string;
  set: string[];
  seed?: string;
  backend?: string;
  smoke?: true;
  paper?: true;
  sample?: true;
  verbose?: true;
}

export function addRunOptions(command: Command): Command {
  return command
    .option('--run <name>', 'folder under checkpoints/; by default the name of the config, and of the variant')
    .option('--raw <folder>', 'where the raw files are')
    .option('--set <key=value>', 'overrides one key of the config; may be repeated', collect, [])
    .option('--seed <number>', 'short for --set seed=<number>')
    .option('--backend <name>', 'tensorflow, webgpu, native, wasm or cpu; by default the fastest that works')
    .option('--smoke', 'the smallest run that goes through everything')
    .option('--paper', 'the hyperparameters of the paper')
    .option('--sample', 'synthetic data in place of the real')
    .option('--verbose', 'print the stack of an error');
}

const collect = (value: string, values: string[]) => [...values, value];

/** @throws RangeError when more than one is asked for */
export function chosenVariant(options: RunOptions): Variant | undefined {
  const chosen = variants.filter((variant) => options[variant]);
  if (chosen.length > 1) {
    throw new RangeError(
      `pipelines: variants must be one at a time, got ${chosen.map((name) => `--${name}`).join(' ')}`,
    );
  }
  return chosen[0];
}

/** The config of a run, the name of its file, which names the data set, and the variants that the file has. */
export function readConfig(
  path: string,
  options: RunOptions,
): { dataset: string; config: Config; sections: readonly Variant[] } {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Error(`pipelines: ${path} must be a config, got ${(cause as Error).message}; see pipelines/configs/`, {
      cause,
    });
  }
  const set = [...options.set, ...(options.seed === undefined ? [] : [`seed=${options.seed}`])];
  return { dataset: basename(path, '.yaml'), ...resolveConfig(path, text, { variant: chosenVariant(options), set }) };
}

export function runName(dataset: string, options: RunOptions): string {
  const variant = chosenVariant(options);
  const run = options.run ?? (variant === undefined ? dataset : `${dataset}-${variant}`);
  if (!/^\w[\w.-]*$/.test(run)) {
    throw new RangeError(`pipelines: --run must be a name of letters, digits, dots and dashes, got ${run}`);
  }
  return run;
}

/** Relative to where the command was typed: Nx moves to the root of the workspace before it calls a stage. */
export function rawFolder({ raw }: RunOptions): string | undefined {
  return raw === undefined ? undefined : resolve(process.env.INIT_CWD ?? '.', raw);
}
