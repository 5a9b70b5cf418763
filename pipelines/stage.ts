import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { hashFile, holdLock } from '@codebeam/data';
import type { ComparisonConfig, Config, ExperimentConfig, PipelineConfig } from './config.js';
import { type StageName, stageFolders, stageOf } from './pipeline.js';

/** The sections of all kinds of config. */
type Sections = PipelineConfig & ComparisonConfig & ExperimentConfig;
export type Section = Exclude<keyof Sections, 'seed'>;

/** What a stage gets. It reads by `input`, writes by `output`, and sees its own sections of the config only. */
export interface StageContext<S extends Section> {
  /** The config's name, e.g. amazon-beauty: its folder in datasets/. */
  dataset: string;
  run: string;
  config: Pick<Sections, S | 'seed'>;
  /** Folder of raw files given by --raw. */
  raw?: string;
  /** The backend that was started, for stages that compute with tensors. */
  backend?: string;
  /** Path of an earlier stage's file, e.g. `input('prepare-data', 'items.parquet')`. */
  input(stage: StageName, file: string): string;
  /** Path for a file of this stage; all of them appear together, once the stage is complete. */
  output(file: string): string;
  /** Folder for checkpoints to resume from. It survives a kill, and is emptied when anything that went into them changes. */
  state: string;
  /** Folder for timings and event files: what differs between two runs that do the same. */
  logs: string;
  log(text: string): void;
}

/** A stage: from files to files. It returns the counts that its manifest states. */
export type Stage<S extends Section> = (context: StageContext<S>) => Promise<Record<string, number>>;

/** What made a stage's files. No times, no durations, no paths: equal files come with equal manifests. */
export interface Manifest {
  stage: StageName;
  seed: number;
  config: object;
  backend?: string;
  /** In effect, for stages that train; what the config asks for may not be had. */
  precision?: string;
  versions: Record<string, string>;
  /** sha256 of the files of earlier stages, by `<stage>/<file>`. */
  inputs: Record<string, string>;
  /** sha256 of this stage's files. */
  outputs: Record<string, string>;
  counts: Record<string, number>;
}

export interface StageOptions {
  name: StageName;
  dataset: string;
  run: string;
  config: Config;
  /** Stands for the code that runs: work begun by other code is not resumed. */
  code: string;
  versions: Record<string, string>;
  raw?: string;
  backend?: string;
  precision?: string;
  log?: (text: string) => void;
}

/**
 * Runs a stage in `checkpoints/.work/<run>/<stage>` and, once it is complete, renames its files into
 * `checkpoints/<run>/<stage>`, so that folder is always whole: the old one or the new one.
 *
 * A stage that did the same before is not run again. (Nx would skip it too, but Nx also reruns on any change to the
 * command line or to the list of configs.) A killed stage finds its `state` folder again; work of another config,
 * other inputs or other code is deleted instead.
 *
 * @throws Error when a file of an earlier stage is missing or not the one that its manifest names, or when another process is at work on
 *         the stage; and what the stage throws
 */
export async function runStage<S extends Section>(stage: Stage<S>, options: StageOptions): Promise<Manifest> {
  const { name, run } = options;
  const { work } = stageFolders(run, name);
  await mkdir(dirname(work), { recursive: true });
  const release = await holdLock(
    `${work}.lock`,
    (holder) =>
      `pipelines: ${name} of ${run} must be one process's work at a time, got process ${holder} at it; wait for its end, or give another --run`,
  );
  try {
    return await runAlone(stage, options);
  } finally {
    await release();
  }
}

async function runAlone<S extends Section>(stage: Stage<S>, options: StageOptions): Promise<Manifest> {
  const { name, dataset, run, config, code, versions, raw, backend, precision, log = console.log } = options;
  const { output, work, logs } = stageFolders(run, name);
  const { sections, reads } = stageOf(config, name);
  const seen = Object.fromEntries(sections.map((section) => [section, (config as Sections)[section as Section]]));
  const inputs = await hashInputs(name, reads, run);
  const device = { ...(backend && { backend }), ...(precision && { precision }) };
  const recipe = { stage: name, seed: config.seed, config: seen, ...device, versions, inputs };
  const key = sha256(JSON.stringify({ ...recipe, code }));

  // fetch-data looks at folders that nothing vouches for, so it has no right to call itself done.
  const done = name === 'fetch-data' ? undefined : await readDone(output, work, key);
  if (done) {
    log(`${name}: unchanged, nothing to do`);
    return done;
  }
  await claimWork(work, key, (reason) => log(`${name}: ${reason}`));
  await mkdir(logs, { recursive: true });
  const files = join(work, 'output');
  await rm(files, { recursive: true, force: true });
  await mkdir(files, { recursive: true });

  const started = performance.now();
  let manifest: Manifest;
  try {
    const counts = await stage({
      dataset,
      run,
      config: { ...seen, seed: config.seed } as Pick<Sections, S | 'seed'>,
      ...(raw !== undefined && { raw }),
      ...(backend !== undefined && { backend }),
      input: (from, file) => inputPath(name, reads, run, from, file),
      output: (file) => join(files, file),
      state: join(work, 'state'),
      logs,
      log,
    });
    manifest = { ...recipe, outputs: await hashFolder(files), counts };
    await writeFile(join(files, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    await replaceFolder(files, output, join(work, 'replaced'));
  } catch (error) {
    await rm(files, { recursive: true, force: true });
    throw error;
  }
  await writeFile(join(work, 'done'), await doneTextOf(key, output));
  await rm(join(work, 'state'), { recursive: true, force: true });

  const seconds = (performance.now() - started) / 1000;
  const peakMemoryMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  await writeFile(
    join(logs, 'timing.json'),
    `${JSON.stringify({ seconds: Number(seconds.toFixed(2)), peakMemoryMiB })}\n`,
  );
  const numbers = Object.entries(manifest.counts).map(([what, count]) => `${what} ${count.toLocaleString('en')}`);
  log(`${name}: ${numbers.join(', ')} (${seconds.toFixed(1)} s, at most ${peakMemoryMiB.toLocaleString('en')} MiB)`);
  return manifest;
}

function inputPath(stage: StageName, reads: readonly StageName[], run: string, from: StageName, file: string): string {
  if (!reads.includes(from)) {
    throw new Error(`internal: ${stage} must declare in stages.yaml that it reads ${from}`);
  }
  return join(stageFolders(run, from).output, file);
}

/** sha256 of every file of the stages that this one reads, each checked against the manifest that came with it. */
async function hashInputs(stage: StageName, reads: readonly StageName[], run: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const from of reads) {
    const { output } = stageFolders(run, from);
    const manifest = await readManifest(output);
    if (!manifest) {
      throw new Error(
        `pipelines: ${stage} must find the files of ${from} in ${output}, got none; run ${from} of the same run first`,
      );
    }
    for (const [file, expected] of Object.entries(manifest.outputs)) {
      const found = await hashFile(join(output, file)).catch(() => 'nothing');
      if (found !== expected) {
        throw new Error(
          `pipelines: ${join(output, file)} must be what its manifest names (sha256 ${expected.slice(0, 12)}), got ${found.slice(0, 12)}; delete ${output} and run ${from} again`,
        );
      }
      hashes[`${from}/${file}`] = found;
    }
  }
  return hashes;
}

/** The manifest of a stage's folder, or nothing where the stage never completed. */
export async function readManifest(output: string): Promise<Manifest | undefined> {
  const text = await readFile(join(output, 'manifest.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Manifest);
}

/** The manifest of what lies in `output`, if this very work made it and nothing was changed since. */
async function readDone(output: string, work: string, key: string): Promise<Manifest | undefined> {
  const manifest = await readManifest(output);
  const doneText = await readFile(join(work, 'done'), 'utf8').catch(() => undefined);
  if (!manifest || doneText !== (await doneTextOf(key, output))) return undefined;
  const found = await hashFolder(output);
  return JSON.stringify(found) === JSON.stringify(manifest.outputs) ? manifest : undefined;
}

/** What the work folder keeps of a complete stage. Nx restores another config's `output` from its cache and leaves the work folder as it is. */
const doneTextOf = async (key: string, output: string) => `${key} ${await hashFile(join(output, 'manifest.json'))}`;

/** Makes the work folder this key's own. */
async function claimWork(work: string, key: string, log: (reason: string) => void): Promise<void> {
  const owner = await readFile(join(work, 'key'), 'utf8').catch(() => undefined);
  const state = await readdir(join(work, 'state')).catch(() => []);
  if (owner === key) {
    if (state.length > 0) log('work begun earlier goes on');
    return;
  }
  if (state.length > 0) log('work begun with another config, other inputs or other code is deleted');
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  await writeFile(join(work, 'key'), key);
}

/** Puts `from` in the place of `to`. Killed halfway, `to` is missing but never a mixture. */
async function replaceFolder(from: string, to: string, aside: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rm(aside, { recursive: true, force: true });
  await rename(to, aside).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(from, to);
  await rm(aside, { recursive: true, force: true });
}

/** sha256 of the files in a folder but for its manifest, by path, in the order of the paths. */
async function hashFolder(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((file) => file !== 'manifest.json')
    .sort();
  const hashes: Record<string, string> = {};
  for (const file of files) hashes[file] = await hashFile(join(folder, file));
  return hashes;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
