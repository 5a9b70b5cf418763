import { dirname } from 'node:path';
import { readEmbeddings } from '@codebeam/data';
import type { Recommender } from '@codebeam/eval';
import { sasrec } from '@codebeam/recommenders';
import { createTigerRecommender, loadTiger as loadTigerRun } from '@codebeam/tiger';
import type { StageContext } from './stage.js';

/** What train-sasrec left. */
export async function loadSasrec({ config, input }: StageContext<'sasrec'>): Promise<Recommender> {
  const recommender = await sasrec.load(dirname(input('train-sasrec', 'model.safetensors')));
  checkSame('sasrec', recommender.parameters!, config.sasrec);
  return recommender;
}

/** What train-tiger left. */
export async function loadTiger({ config, input }: StageContext<'tiger' | 'evaluate'>): Promise<Recommender> {
  const run = dirname(dirname(input('train-tiger', 'config.json')));
  const { model, teacherShare } = await loadTigerRun(run);
  checkSame('tiger', model.config, config.tiger);
  const recommender = createTigerRecommender(model, { beamWidth: config.evaluate.beamWidth });
  // What the IDs are made of, what the encoder reads and who taught it tell one TIGER from another.
  const { encoder } = await readEmbeddings(input('embed-items', 'item-embeddings.arrow'));
  const { encoderReads } = model.config;
  const told = { fittedOn: 'train', itemVectors: encoder, encoderReads, teacherShare };
  return { ...recommender, parameters: { ...told, ...recommender.parameters } };
}

/** @throws Error when the model was trained with another config: its weights would be read in a way they never learnt */
function checkSame<C extends object>(
  model: 'tiger' | 'sasrec',
  trained: Readonly<Record<string, unknown>>,
  asked: C,
): void {
  for (const [key, value] of Object.entries(asked)) {
    if (trained[key] === value) continue;
    throw new Error(
      `pipelines: ${model}.${key} must be ${trained[key]}, as train-${model} had it, got ${value}; run train-${model} with the new value first`,
    );
  }
}
