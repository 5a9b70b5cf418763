import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { z } from 'zod';
import type { TextEncoder } from './text-encoder.js';

export const transformersEncoderSchema = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe('hub id such as Xenova/sentence-t5-base, or a folder with config, tokenizer and onnx/'),
  pooling: z.enum(['mean', 'cls']).default('mean').describe("how token vectors become a text's vector"),
  normalize: z.boolean().default(true).describe('scale vectors to length 1'),
  batchSize: z.int().min(1).default(32).describe('texts per model call'),
});
export type TransformersEncoderConfig = z.infer<typeof transformersEncoderSchema>;

/** What we use of the peer: a feature-extraction pipeline returns a tensor of [texts, E]. */
type Extractor = (
  texts: string[],
  options: { pooling: 'mean' | 'cls'; normalize: boolean },
) => Promise<{ data: ArrayLike<number>; dims: readonly number[] }>;

/** Of `@huggingface/transformers` 3 and 4. */
export interface TransformersModule {
  env: { allowRemoteModels: boolean; localModelPath: string };
  pipeline(task: 'feature-extraction', model: string): Promise<unknown>;
}

const peer = '@huggingface/transformers';

/**
 * A sentence encoder run by `@huggingface/transformers`, an optional peer that is loaded when this is called. TIGER
 * uses sentence-t5 (Rajput et al. 2023, sec. 4.1).
 *
 * The pipeline ends at pooling: a dense layer that a sentence-transformers model has behind it (sentence-t5: 768 to
 * 768) is applied only if it is part of the ONNX file.
 *
 * @param config        see {@link transformersEncoderSchema}; a model that is a folder never touches the network
 * @param importModule  loads the peer
 * @throws Error saying what to install or fetch when the peer or the model cannot be loaded
 */
export async function createTransformersEncoder(
  { model, pooling, normalize, batchSize }: TransformersEncoderConfig,
  importModule: () => Promise<TransformersModule> = () => import(peer),
): Promise<TextEncoder> {
  const transformers = await importModule().catch((cause: Error) => {
    throw new Error(
      `data: the transformers encoder must find the package ${peer}, got ${cause.message}; run \`npm install ${peer}\` (with ONNXRUNTIME_NODE_INSTALL=skip in the environment where its CUDA download fails), or use the tfidf-svd encoder`,
      { cause },
    );
  });
  const extract = await loadExtractor(transformers, model);
  const options = { pooling, normalize };
  const [, dim] = (await extract(['width'], options)).dims;

  async function encode(texts: readonly string[]): Promise<Float32Array> {
    const values = new Float32Array(texts.length * dim);
    for (let start = 0; start < texts.length; start += batchSize) {
      const batch = texts.slice(start, start + batchSize);
      const { data, dims } = await extract(batch, options);
      if (dims[0] !== batch.length || dims[1] !== dim) {
        throw new RangeError(`data: model ${model} must give [${batch.length}, ${dim}] values, got [${dims}]`);
      }
      values.set(data, start * dim);
    }
    return values;
  }
  return { id: `transformers:${basename(model)}:${pooling}${normalize ? ':normalized' : ''}`, dim, encode };
}

async function loadExtractor({ env, pipeline }: TransformersModule, model: string): Promise<Extractor> {
  const isFolder = existsSync(model);
  if (isFolder) {
    env.allowRemoteModels = false;
    env.localModelPath = dirname(resolve(model));
  }
  try {
    return (await pipeline('feature-extraction', isFolder ? basename(model) : model)) as Extractor;
  } catch (cause) {
    const remedy = isFolder
      ? 'the folder needs config.json, tokenizer.json, tokenizer_config.json and onnx/model.onnx'
      : 'no folder has that name, and the hub gave nothing: check the id and the network, or download the model and give its folder';
    throw new Error(`data: model ${model} must load, got ${(cause as Error).message}; ${remedy}`, { cause });
  }
}
