import { createRequire } from 'node:module';
import type { Precision } from '@codebeam/backend';
import { Command } from 'commander';
import { hashCode } from './hash-code.js';
import { loadStage } from './load-stage.js';
import { type StageName, stageNames, stageOf, workspaceRoot } from './pipeline.js';
import { isVerbose, reportError } from './report-error.js';
import { addRunOptions, type RunOptions, rawFolder, readConfig, runName } from './run-options.js';
import { runStage } from './stage.js';

const command = addRunOptions(new Command('run-stage'))
  .description('Runs one stage of a pipeline, from the files of the stages before it.')
  .argument('<stage>', stageNames.join(' | '))
  .requiredOption('--config <file>', 'the pipeline, e.g. pipelines/configs/amazon-beauty.yaml');

function versionsOf(packages: readonly string[]): Record<string, string> {
  const require = createRequire(import.meta.url);
  return {
    codebeam: require('@codebeam/data/package.json').version,
    node: process.versions.node,
    ...(packages.includes('backend') && { tfjs: require('@tensorflow/tfjs/package.json').version }),
  };
}

/** Every setting as --set would take it. */
function listSettings(config: object, prefix = ''): string[] {
  return Object.entries(config).flatMap(([key, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? listSettings(value, `${prefix}${key}.`)
      : `${prefix}${key}=${JSON.stringify(value)}`,
  );
}

async function main(stage: string, options: RunOptions & { config: string }): Promise<void> {
  if (!isStageName(stage)) {
    throw new RangeError(`pipelines: stage must be one of ${stageNames.join(', ')}, got ${stage}`);
  }
  const { dataset, config } = readConfig(options.config, options);
  const { code = stage, packages, sections } = stageOf(config, stage);
  const run = runName(dataset, options);
  let backend: string | undefined;
  let precision: string | undefined;
  if (packages.includes('backend')) {
    const { availablePrecision, selectBackend } = await import('@codebeam/backend');
    const selected = await selectBackend(options.backend);
    backend = selected.name;
    const own: unknown = Object.entries(config).find(([section]) => section === stage)?.[1];
    if (asksForPrecision(own)) precision = availablePrecision(own.precision);
    console.log(`backend ${selected.reason}${precision ? `; precision ${precision}` : ''}`);
  }
  const seen = Object.fromEntries(Object.entries(config).filter(([key]) => sections.includes(key)));
  console.log(`${run}, ${stage}, seed ${config.seed}`);
  for (const setting of listSettings(seen)) console.log(`  ${setting}`);
  const raw = rawFolder(options);
  await runStage(await loadStage(config, stage), {
    name: stage,
    dataset,
    run,
    config,
    code: hashCode(workspaceRoot, code, packages),
    versions: versionsOf(packages),
    ...(raw !== undefined && { raw }),
    ...(backend !== undefined && { backend }),
    ...(precision !== undefined && { precision }),
  });
}

function asksForPrecision(section: unknown): section is { precision: Precision } {
  return typeof section === 'object' && section !== null && 'precision' in section;
}

function isStageName(name: string): name is StageName {
  return (stageNames as readonly string[]).includes(name);
}

command.action((stage: string, options: RunOptions & { config: string }) =>
  main(stage, options).catch((error) => reportError(error, { verbose: isVerbose(options.verbose) })),
);
await command.parseAsync();
