import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readEmbeddings, writeFileAtomically } from '@codebeam/data';
import { countParams } from '@codebeam/nn';
import * as trainers from '@codebeam/trainers';
import type { StageContext } from '../stage.js';
import { writeTrainingMetrics } from '../training-metrics.js';

/** item-embeddings.arrow -> rqvae.safetensors: the tokenizer, an RQ-VAE or residual k-means. */
export async function trainRqvae(context: StageContext<'rqvae' | 'train-rqvae'>): Promise<Record<string, number>> {
  const { config, input, output, logs, state } = context;
  const { rqvae, 'train-rqvae': training, seed } = config;
  const metrics = join(logs, training.version ?? '', 'metrics.jsonl');
  // k-means logs nothing: what lies there is of an RQ-VAE that was trained under this run's name before.
  if (rqvae.tokenizer === 'residual-kmeans') await rm(metrics, { force: true });
  const embeddings = await readEmbeddings(input('embed-items', 'item-embeddings.arrow'));
  const params = await trainers.trainRqvae({
    embeddings,
    config: rqvae,
    training: { ...training, seed, experimentName: 'train-rqvae', checkpointDir: '.', logDir: '.', runTest: false },
    stateFolder: state,
    logFolder: dirname(logs),
  });
  await trainers.saveParams(output('rqvae.safetensors'), params);
  await writeFileAtomically(output('config.json'), `${JSON.stringify({ rqvae, width: embeddings.dim }, null, 2)}\n`);
  await writeTrainingMetrics(metrics, output('metrics.jsonl'));
  return { items: embeddings.rows, parameters: countParams(params) };
}
