import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Command } from 'commander';
import { type StageName, stageFolders, stagesOf, workspaceRoot } from './pipeline.js';
import { findSource, isMadeUp, makeSource } from './raw-source.js';
import { isVerbose, reportError } from './report-error.js';
import { addRunOptions, chosenVariant, type RunOptions, rawFolder, readConfig, runName } from './run-options.js';

/**
 * The umbrella target of a pipeline: makes sure that there are data and lets Nx run the stages. Nx decides on a stage's
 * outputs before anything runs, so a stage cannot move itself to the sample's folder; this can.
 */
const command = addRunOptions(new Command('run'))
  .description('Runs a whole pipeline, from raw files to the results table.')
  .argument('<name>', 'a config of pipelines/configs/, without .yaml');

async function main(name: string, options: RunOptions): Promise<void> {
  const file = join('pipelines', 'configs', `${name}.yaml`);
  const { sections, config } = readConfig(file, options);
  const raw = rawFolder(options);
  const request = { dataset: name, run: runName(name, options), config, ...(raw !== undefined && { raw }) };
  let chosen = options;
  try {
    if (!isMadeUp(config)) (await findSource(request)) ?? (await makeSource(request, console.log));
  } catch (error) {
    const standIn = raw === undefined && sections.includes('sample') && chosenVariant(options) !== 'paper';
    if (!standIn) throw error;
    const { smoke: _, run, ...rest } = options;
    chosen = { ...rest, sample: true, ...(run !== undefined && { run: `${run}-sample` }) };
    console.log(sampleBanner(name, (error as Error).message));
  }
  const last = stagesOf(config).at(-1)!;
  process.exitCode = runStages(name, last, chosen);
  if (process.exitCode === 0) await printResults(runName(name, chosen), last);
}

/** The stage has printed every variant of the protocol; what one came for stands at the end. */
async function printResults(run: string, last: StageName): Promise<void> {
  const { output } = stageFolders(run, last);
  if (last === 'run-experiment') {
    const { formatExperimentResults, readExperiment } = await import('./experiment-results.js');
    const results = await readExperiment(run);
    console.log(`\n${formatExperimentResults({ ...results, analyses: [results.analyses[0]] })}`);
    console.log(`report: ${join(output, 'experiment.html')}`);
    return;
  }
  const { formatRunResults, readResults } = await import('./results.js');
  const results = await readResults(run);
  const models = results.models.filter(({ protocol }) => protocol === undefined);
  console.log(`\n${formatRunResults({ ...results, models })}`);
  console.log(`report: ${join(output, 'report.html')}`);
}

function runStages(name: string, last: StageName, options: RunOptions): number {
  const variant = chosenVariant(options);
  const target = `pipelines:${name}:${last}${variant === undefined ? '' : `:${variant}`}`;
  const raw = rawFolder(options);
  const forwarded = [
    ...(options.run === undefined ? [] : [`--run=${options.run}`]),
    ...(raw === undefined ? [] : [`--raw=${raw}`]),
    ...options.set.map((one) => `--set=${one}`),
    ...(options.seed === undefined ? [] : [`--seed=${options.seed}`]),
    ...(options.backend === undefined ? [] : [`--backend=${options.backend}`]),
    ...(options.verbose ? ['--verbose'] : []),
  ];
  // The workspace's own Nx: npx might look for another one, and would need the network for it.
  const nx = createRequire(import.meta.url).resolve('nx/bin/nx.js');
  const result = spawnSync(process.execPath, [nx, 'run', target, ...forwarded], {
    cwd: workspaceRoot,
    stdio: 'inherit',
  });
  if (result.error) throw result.error;
  return result.status ?? 1;
}

function sampleBanner(name: string, reason: string): string {
  const edge = '='.repeat(100);
  return [
    '',
    edge,
    `  SYNTHETIC SAMPLE, NOT ${name.toUpperCase()}`,
    '',
    `  There are no raw files of ${name}, and none could be downloaded. So that you can see every stage at work, this`,
    '  run uses a small made-up shop instead. It goes through the real readers and trains real models, but its',
    `  numbers say nothing about ${name}. They are kept apart, in checkpoints/${name}-sample, and named as sample.`,
    '',
    `  Why: ${reason}`,
    edge,
    '',
  ].join('\n');
}

command.action((name: string, options: RunOptions) =>
  main(name, options).catch((error) => reportError(error, { verbose: isVerbose(options.verbose) })),
);
await command.parseAsync();
