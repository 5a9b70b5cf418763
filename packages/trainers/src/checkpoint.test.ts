import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend, tf } from '@codebeam/backend';
import { decodeSafetensors } from '@codebeam/data';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  checkpointPath,
  listCheckpoints,
  loadCheckpoint,
  loadParams,
  resume,
  saveCheckpoint,
  saveParams,
} from './checkpoint.js';
import type { FitState } from './fit.js';

const createParams = () => ({
  encoder: [{ weight: tf.tensor2d([[1, -2.5]]), bias: tf.scalar(0.1) }],
  table: tf.ones([2, 2]),
});
const createState = (): FitState<ReturnType<typeof createParams>> => ({
  params: createParams(),
  optimizer: { 'first.table': tf.fill([2, 2], 3), counts: tf.tensor1d([1, 2], 'int32') },
  step: 12,
  epoch: 1,
  batch: 4,
  validations: [{ step: 10, epoch: 1, metrics: { 'recall@10': 0.1 + 0.2 } }],
});

let directory: string;
beforeEach(async () => {
  await selectBackend('cpu');
  directory = await mkdtemp(join(tmpdir(), 'checkpoint-'));
});

describe('saveCheckpoint', () => {
  it('comes back as it was', async () => {
    const path = join(directory, 'new', 'a.safetensors');
    await saveCheckpoint(path, createState(), 'abc');
    const { params, optimizer, ...counters } = await loadCheckpoint(path, createParams(), 'abc');
    expect(counters).toEqual({
      step: 12,
      epoch: 1,
      batch: 4,
      validations: [{ step: 10, epoch: 1, metrics: { 'recall@10': 0.1 + 0.2 } }],
    });
    expect(Array.from(await params.encoder[0].weight.data())).toEqual([1, -2.5]);
    expect(Array.from(await params.encoder[0].bias.data())).toEqual([Math.fround(0.1)]);
    expect(Object.keys(optimizer).sort()).toEqual(['counts', 'first.table']);
    expect([optimizer.counts.dtype, optimizer['first.table'].shape]).toEqual(['int32', [2, 2]]);
    expect(Array.from(await optimizer['first.table'].data())).toEqual([3, 3, 3, 3]);
  });

  it('is a safetensors file with parameters and moments under their names', async () => {
    const path = join(directory, 'a.safetensors');
    await saveCheckpoint(path, createState(), 'abc');
    const { tensors, metadata } = decodeSafetensors(await readFile(path));
    expect(Object.keys(tensors).sort()).toEqual([
      'optimizer.counts',
      'optimizer.first.table',
      'params.encoder.0.bias',
      'params.encoder.0.weight',
      'params.table',
    ]);
    expect(metadata).toMatchObject({ configHash: 'abc', checksum: expect.stringMatching(/^[0-9a-f]{8}$/) });
  });

  it('holds no tensors afterwards', async () => {
    const state = createState();
    const before = tf.memory().numTensors;
    await saveCheckpoint(join(directory, 'a.safetensors'), state, 'abc');
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('loadCheckpoint', () => {
  const path = () => join(directory, 'a.safetensors');
  beforeEach(() => saveCheckpoint(path(), createState(), 'abc'));

  it('refuses a checkpoint of another config and names both', async () => {
    await expect(loadCheckpoint(path(), createParams(), 'xyz')).rejects.toThrow(
      `trainers: ${path()} must be of config xyz, got one of config abc; go back to that config and its data, or delete the checkpoints to train from the start`,
    );
  });

  it('notices any flipped byte', async () => {
    const bytes = await readFile(path());
    for (const at of [bytes.indexOf('"step\\":12') + 8, bytes.length - 1, bytes.length - 40]) {
      const damaged = Buffer.from(bytes);
      damaged[at] ^= 1;
      await writeFile(path(), damaged);
      await expect(loadCheckpoint(path(), createParams(), 'abc')).rejects.toThrow(/must have checksum .*is damaged/);
    }
  });

  it('refuses a file that was cut short, and one that is no checkpoint', async () => {
    await writeFile(path(), (await readFile(path())).subarray(0, -10));
    await expect(loadCheckpoint(path(), createParams(), 'abc')).rejects.toThrow(`${path()} must`);
    await saveParams(path(), createParams());
    await expect(loadCheckpoint(path(), createParams(), 'abc')).rejects.toThrow('none (it is no checkpoint)');
  });

  it('names the tensor that the model does not expect', async () => {
    const wider = { ...createParams(), table: tf.ones([2, 3]) };
    await expect(loadCheckpoint(path(), wider, 'abc')).rejects.toThrow(
      `nn: tensor table of ${path()} must be F32 [2,3], got F32 [2,2]; use the config it was made with`,
    );
  });
});

describe('resume', () => {
  it('begins with the new parameters when there is no checkpoint', async () => {
    const params = createParams();
    expect(await resume(join(directory, 'none'), params, 'abc')).toEqual({ params });
  });

  it('takes the newest checkpoint in the place of the new parameters', async () => {
    for (const step of [9, 100, 20])
      await saveCheckpoint(checkpointPath(directory, step), { ...createState(), step }, 'abc');
    await writeFile(join(directory, 'notes.txt'), '');
    expect(await listCheckpoints(directory)).toEqual([100, 20, 9]);
    const params = createParams();
    expect(await resume(directory, params, 'abc')).toMatchObject({ step: 100 });
    expect(params.table.isDisposed).toBe(true);
  });

  it('refuses to begin anew where every checkpoint is damaged', async () => {
    await writeFile(checkpointPath(directory, 1), '');
    await expect(resume(directory, createParams(), 'abc', { warn: () => {} })).rejects.toThrow(
      `trainers: ${directory} must hold an intact checkpoint, got 1 damaged; delete it to train from the start`,
    );
  });

  it('refuses a folder of another config', async () => {
    await saveCheckpoint(checkpointPath(directory, 1), createState(), 'abc');
    await expect(resume(directory, createParams(), 'xyz')).rejects.toThrow(
      'must be of config xyz, got one of config abc',
    );
  });
});

describe('saveParams', () => {
  it('comes back as it was, with its metadata in the file', async () => {
    const path = join(directory, 'model.safetensors');
    await saveParams(path, createParams(), { model: 'net' });
    const params = await loadParams(path, createParams());
    expect(Array.from(await params.encoder[0].weight.data())).toEqual([1, -2.5]);
    expect(decodeSafetensors(await readFile(path)).metadata).toEqual({ model: 'net' });
  });

  it('names a tensor that is missing, and one too many', async () => {
    const path = join(directory, 'model.safetensors');
    const { table, encoder } = createParams();
    await saveParams(path, { table });
    await expect(loadParams(path, { table, encoder })).rejects.toThrow(
      `nn: tensor encoder.0.weight of ${path} must be F32 [1,2], got none; use the config it was made with`,
    );
    await expect(loadParams(path, { encoder: table })).rejects.toThrow('tensor encoder of');
    await saveParams(path, { table, encoder });
    await expect(loadParams(path, { table })).rejects.toThrow('must be none, got F32');
  });
});
