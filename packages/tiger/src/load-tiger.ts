import { access, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { decodeSafetensors, hashFile } from '@codebeam/data';
import { disposeParams, restoreParams } from '@codebeam/nn';
import { readSemanticIds } from '@codebeam/rqvae';
import { z } from 'zod';
import { tigerSchema } from './config.js';
import { createTigerModel, type TigerModel } from './recommend.js';
import { initTiger } from './tiger.js';
import { createVocabulary, informativePositions } from './tokens.js';

/** TIGER as a run of the pipeline left it. */
export interface TigerCheckpoint {
  model: TigerModel;
  /** Source ids by dense id. */
  itemIds: string[];
  /** Share of the training targets that a teacher drew. */
  teacherShare: number;
}

const savedSchema = z.object({ tiger: tigerSchema, teacherShare: z.number().default(0) });
const manifestSchema = z.object({ inputs: z.record(z.string(), z.string()) });

/** The run that a folder is, or whose stage train-tiger it is; none where there is no trained TIGER. */
export async function findTigerRun(folder: string): Promise<string | undefined> {
  const path = resolve(folder);
  for (const run of basename(path) === 'train-tiger' ? [dirname(path), path] : [path]) {
    if (await exists(join(run, 'train-tiger', 'config.json'))) return run;
  }
  return undefined;
}

/**
 * Loads what the stages assign-semantic-ids and train-tiger of a run left: the weights, the semantic IDs and the trie of these.
 *
 * @param run  folder of the run, which holds a folder for each stage
 * @throws Error when a file is missing or the weights are of other semantic IDs
 */
export async function loadTiger(run: string): Promise<TigerCheckpoint> {
  const config = await findFile(run, 'train-tiger/config.json');
  const weights = await findFile(run, 'train-tiger/model.safetensors');
  const table = await findFile(run, 'assign-semantic-ids/semantic-ids.parquet');
  const report = await findFile(run, 'assign-semantic-ids/tokenizer-report.json');
  await checkIds(run, table);
  const { tiger, teacherShare } = savedSchema.parse(JSON.parse(await readFile(config, 'utf8')));
  const { ids, itemIds } = await readSemanticIds(table, report);
  const expected = initTiger(tiger, createVocabulary(informativePositions(ids), tiger), 0);
  try {
    const params = restoreParams(weights, decodeSafetensors(await readFile(weights), weights).tensors, expected);
    return { model: createTigerModel(tiger, ids, params), itemIds, teacherShare };
  } finally {
    disposeParams(expected);
  }
}

/** IDs may have been assigned anew since the model learnt them; codes of the same sizes would be read without an error. */
async function checkIds(run: string, table: string): Promise<void> {
  const manifest = await readFile(join(run, 'train-tiger', 'manifest.json'), 'utf8').catch(() => undefined);
  if (manifest === undefined) return;
  const learnt = manifestSchema.parse(JSON.parse(manifest)).inputs['assign-semantic-ids/semantic-ids.parquet'];
  const found = await hashFile(table);
  if (learnt === undefined || learnt === found) return;
  throw new Error(
    `tiger: ${table} must be the semantic IDs that the model learnt (sha256 ${learnt.slice(0, 12)}), got ${found.slice(0, 12)}; run train-tiger again`,
  );
}

async function findFile(run: string, file: string): Promise<string> {
  const path = join(run, file);
  if (await exists(path)) return path;
  throw new Error(`tiger: ${run} must hold ${file}, got no such file; give the folder of a whole run`);
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
