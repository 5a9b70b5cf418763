import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { decodeSafetensors, encodeSafetensors, type Safetensor, writeFileAtomically } from '@codebeam/data';
import { disposeParams, flattenParams, type Params, restoreParams, restoreTensor } from '@codebeam/nn';
import type { FitState } from './fit.js';
import type { NamedTensors } from './optimizer.js';

/**
 * Writes a run's whole state as one safetensors file, or nothing: parameters as `params.*`, moments as `optimizer.*`,
 * the counters and validations as JSON in the metadata, with the config's hash and a checksum. Same state, same bytes.
 */
export async function saveCheckpoint<P extends Params>(
  path: string,
  { params, optimizer, ...counters }: FitState<P>,
  configHash: string,
): Promise<void> {
  const tensors = await toSafetensors({
    ...prefixed('params.', flattenParams(params)),
    ...prefixed('optimizer.', optimizer),
  });
  const state = JSON.stringify(counters);
  const metadata = { state, configHash, checksum: checksum(state, tensors) };
  await writeFileAtomically(path, encodeSafetensors(tensors, metadata));
}

/**
 * Reads a checkpoint back into what `fit` continues from.
 *
 * @param expected  parameters of the shapes that the config asks for; only looked at
 * @throws RangeError when the file is damaged, belongs to another config, or holds other tensors than expected
 */
export async function loadCheckpoint<P extends Params>(
  path: string,
  expected: P,
  configHash: string,
): Promise<FitState<P>> {
  return restore(path, await readIntact(path), expected, configHash);
}

/**
 * What to `start` a run with: the newest intact checkpoint of a folder, else the new parameters. A damaged file is
 * passed over for the one before it, which costs time but changes no bit, for a run repeats itself exactly.
 *
 * @param params  new parameters; disposed when a checkpoint takes their place
 * @param warn    hears of each damaged file
 * @param needs   steps whose checkpoints the run will want as well: a state is passed over where one of them is damaged or gone
 * @throws RangeError when every checkpoint is damaged, or the newest intact one is of another config
 */
export async function resume<P extends Params>(
  directory: string,
  params: P,
  configHash: string,
  {
    warn = console.warn,
    needs = () => [],
  }: { warn?: (message: string) => void; needs?: (state: Omit<FitState<P>, 'params' | 'optimizer'>) => number[] } = {},
): Promise<FitState<P> | { params: P }> {
  const paths = (await listCheckpoints(directory)).map((step) => checkpointPath(directory, step));
  for (const path of paths) {
    let file: Awaited<ReturnType<typeof readIntact>>;
    try {
      file = await readIntact(path);
      const others = file.metadata.configHash === configHash ? needs(JSON.parse(file.metadata.state)) : [];
      for (const other of others.map((step) => checkpointPath(directory, step))) {
        if (other !== path) await readIntact(other);
      }
    } catch (error) {
      warn(`${(error as Error).message}; the checkpoint before it is tried`);
      continue;
    }
    const state = restore(path, file, params, configHash);
    disposeParams(params);
    return state;
  }
  if (paths.length === 0) return { params };
  throw new RangeError(
    `trainers: ${directory} must hold an intact checkpoint, got ${paths.length} damaged; delete it to train from the start`,
  );
}

/** Where the checkpoint of a step lies. */
export function checkpointPath(directory: string, step: number): string {
  return join(directory, `step-${String(step).padStart(8, '0')}.safetensors`);
}

/** The steps that a folder has checkpoints of, newest first; none when there is no folder. */
export async function listCheckpoints(directory: string): Promise<number[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const steps = names.map((name) => /^step-(\d+)\.safetensors$/.exec(name)).filter((match) => match !== null);
  return steps.map((match) => Number(match[1])).sort((a, b) => b - a);
}

/** Writes a finished model: its parameters by flat name, and nothing else but the given metadata. */
export async function saveParams(path: string, params: Params, metadata?: Record<string, string>): Promise<void> {
  await writeFileAtomically(path, encodeSafetensors(await toSafetensors(flattenParams(params)), metadata));
}

/**
 * Reads parameters that {@link saveParams} wrote.
 *
 * @param expected  parameters of the names and shapes that the file must have; only looked at
 * @throws RangeError naming the first tensor that is missing, of another shape or not expected
 */
export async function loadParams<P extends Params>(path: string, expected: P): Promise<P> {
  return restoreParams(path, decodeSafetensors(await readFile(path), path).tensors, expected);
}

async function readIntact(path: string) {
  const file = decodeSafetensors(await readFile(path), path);
  const found = checksum(file.metadata.state ?? '', file.tensors);
  if (found !== file.metadata.checksum) {
    const expected = file.metadata.checksum ?? 'none (it is no checkpoint)';
    throw new RangeError(`trainers: ${path} must have checksum ${expected}, got ${found}; the file is damaged`);
  }
  return file;
}

function restore<P extends Params>(
  path: string,
  { tensors, metadata }: ReturnType<typeof decodeSafetensors>,
  expected: P,
  configHash: string,
): FitState<P> {
  if (metadata.configHash !== configHash) {
    throw new RangeError(
      `trainers: ${path} must be of config ${configHash}, got one of config ${metadata.configHash}; ` +
        'go back to that config and its data, or delete the checkpoints to train from the start',
    );
  }
  const params = restoreParams(path, unprefixed('params.', tensors), expected);
  const moments = Object.entries(unprefixed('optimizer.', tensors)).map(([name, tensor]) => [
    name,
    restoreTensor(tensor),
  ]);
  return { params, optimizer: Object.fromEntries(moments), ...JSON.parse(metadata.state) };
}

async function toSafetensors(tensors: NamedTensors): Promise<Record<string, Safetensor>> {
  const entries = Object.entries(tensors).map(async ([name, tensor]) => {
    const { shape } = tensor;
    if (tensor.dtype === 'float32')
      return [name, { dtype: 'F32', shape, data: await tensor.data<'float32'>() }] as const;
    if (tensor.dtype === 'int32') return [name, { dtype: 'I32', shape, data: await tensor.data<'int32'>() }] as const;
    throw new TypeError(`trainers: tensor ${name} must be float32 or int32, got ${tensor.dtype}; cast it`);
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Over the state's text and, by name, all tensor bytes: a flipped bit anywhere shows. */
function checksum(state: string, tensors: Record<string, Safetensor>): string {
  const bytes = Object.keys(tensors)
    .sort()
    .map((name) => tensors[name].data);
  return bytes
    .reduce((crc, data) => crc32(data, crc), crc32(state))
    .toString(16)
    .padStart(8, '0');
}

const prefixed = <T>(prefix: string, record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [prefix + name, value]));

const unprefixed = <T>(prefix: string, record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(
    Object.entries(record)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
