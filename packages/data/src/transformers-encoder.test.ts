import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import {
  createTransformersEncoder,
  type TransformersModule,
  transformersEncoderSchema,
} from './transformers-encoder.js';

/** A pipeline whose vector of a text is its length and the number of the call. */
function fakeTransformers() {
  let calls = 0;
  const extract = vi.fn(async (texts: string[], _options: object) => {
    calls++;
    return { dims: [texts.length, 2], data: Float32Array.from(texts.flatMap((text) => [text.length, calls])) };
  });
  const pipeline = vi.fn(async (_task: string, _model: string): Promise<unknown> => extract);
  const transformers: TransformersModule = { env: { allowRemoteModels: true, localModelPath: '' }, pipeline };
  return { transformers, extract, pipeline };
}

const config = transformersEncoderSchema.parse({ model: 'some/model', batchSize: 2 });

describe('createTransformersEncoder', () => {
  it('encodes in batches, in order, with the pooling and normalisation asked for', async () => {
    const { transformers, extract, pipeline } = fakeTransformers();
    const encoder = await createTransformersEncoder(config, async () => transformers);
    expect(encoder.dim).toBe(2);
    expect(encoder.id).toBe('transformers:model:mean:normalized');
    expect(pipeline).toHaveBeenCalledWith('feature-extraction', 'some/model');
    expect(await encoder.encode(['a', 'bb', 'ccc'])).toEqual(Float32Array.of(1, 2, 2, 2, 3, 3));
    expect(extract.mock.calls.map(([texts]) => texts)).toEqual([['width'], ['a', 'bb'], ['ccc']]);
    expect(extract).toHaveBeenLastCalledWith(['ccc'], { pooling: 'mean', normalize: true });
    expect(transformers.env.allowRemoteModels).toBe(true);
  });

  it('loads a folder without the network', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sentence-t5-'));
    const { transformers, pipeline } = fakeTransformers();
    await createTransformersEncoder({ ...config, model: folder }, async () => transformers);
    expect(transformers.env).toEqual({ allowRemoteModels: false, localModelPath: dirname(folder) });
    expect(join(dirname(folder), pipeline.mock.calls[0][1])).toBe(folder);
  });

  it('says what to install when the peer is missing', async () => {
    await expect(createTransformersEncoder(config)).rejects.toThrow(
      /^data: the transformers encoder must find the package @huggingface\/transformers, got .*; run `npm install @huggingface\/transformers`/,
    );
  });

  it('says what to do when the model does not load', async () => {
    const { transformers, pipeline } = fakeTransformers();
    pipeline.mockRejectedValue(new Error('fetch failed'));
    await expect(createTransformersEncoder(config, async () => transformers)).rejects.toThrow(
      'data: model some/model must load, got fetch failed; no folder has that name, and the hub gave nothing',
    );
  });

  it('refuses output of another shape', async () => {
    const { transformers, extract } = fakeTransformers();
    const encoder = await createTransformersEncoder(config, async () => transformers);
    extract.mockResolvedValue({ dims: [1, 7, 2], data: new Float32Array(14) });
    await expect(encoder.encode(['a'])).rejects.toThrow('data: model some/model must give [1, 2] values, got [1,7,2]');
  });
});
