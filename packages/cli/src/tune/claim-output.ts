import { access, mkdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { hashFile, holdLock, isSection, writeFileAtomically } from '@codebeam/data';
import { parts, type TuneConfig } from './tune-config.js';

/** What an output folder says of itself: the resolved config, and the sha256 of the files of data. */
interface Record {
  config: TuneConfig;
  files: { [path: string]: string };
}

/** What may change when a search goes on: more trials, and what trials do not depend on. */
const mayChange = ['search.trials', 'search.concurrency', 'search.energy', 'trackers', 'output'];

/** An output folder as long as a process works in it. */
export interface ClaimedOutput {
  /** The file that holds the resolved config. */
  recordPath: string;
  /** Lets other processes in. */
  release(): Promise<void>;
}

/**
 * Makes an output folder this config's own, and this process's until it is released or the process ends.
 *
 * @param folder  that the config's paths start from
 * @throws RangeError naming what differs when the folder is another config's, or of other data; or the process that works in it
 */
export async function claimOutput(output: string, config: TuneConfig, folder: string): Promise<ClaimedOutput> {
  const { interactions, items, ...rest } = config.data;
  const files = [interactions, ...parts.map((part) => rest[part]), items?.file].filter((file) => file !== undefined);
  const hashes = await Promise.all(files.map(async (file) => [file, await hashFile(resolve(folder, file))] as const));
  const record: Record = JSON.parse(JSON.stringify({ config, files: Object.fromEntries(hashes) }));
  const path = join(output, 'tune.json');
  const before = await readFile(path, 'utf8').catch(() => undefined);
  // Where nothing has been searched yet, as after an estimate, the config may still change.
  const isBegun = await access(join(output, 'studies')).then(
    () => true,
    () => false,
  );
  if (before !== undefined) {
    if (isBegun) checkSame(output, JSON.parse(before), record);
    else await rm(join(output, 'estimates.json'), { force: true });
  }
  await mkdir(output, { recursive: true });
  const release = await holdLock(
    join(output, 'lock'),
    (holder) =>
      `cli: ${output} must be one process's at a time, got process ${holder} at work in it; wait for its end, or name another output`,
  );
  await writeFileAtomically(path, `${JSON.stringify(record, null, 2)}\n`);
  return { recordPath: path, release };
}

function checkSame(output: string, before: Record, now: Record): void {
  const [old, own] = [flatten(before), flatten(now)];
  for (const key of new Set([...old.keys(), ...own.keys()])) {
    if (old.get(key) === own.get(key)) continue;
    const name = key.replace(/^config\./, '');
    if (mayChange.some((one) => name === one || name.startsWith(`${one}.`))) continue;
    const [had, got] = [old.get(key) ?? 'nothing', own.get(key) ?? 'nothing'];
    throw new RangeError(
      `cli: ${name} must be ${had}, as when ${output} was begun, got ${got}; go on with that, or name another output`,
    );
  }
}

/** JSON texts of what is no section, by dotted key. */
function flatten(value: unknown, prefix = ''): Map<string, string> {
  if (!isSection(value) || Object.keys(value).length === 0) return new Map([[prefix, JSON.stringify(value)]]);
  const name = (key: string) => (prefix === '' ? key : `${prefix}.${key}`);
  return new Map(Object.entries(value).flatMap(([key, inner]) => [...flatten(inner, name(key))]));
}
