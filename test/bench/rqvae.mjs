// Epochs of RQ-VAE training at the paper's size, batch 1,024: the median of --epochs, after one to warm up. The codebooks begin as
// normal deviates: k-means is a benchmark of its own.
import { rqvaeSchema } from '@codebeam/rqvae';
import { rqvaeTrainingSchema, trainRqvae } from '@codebeam/trainers';
import { loadVectors, median } from './beauty.mjs';

export async function run({ raw, epochs, precision }) {
  const embeddings = await loadVectors(raw);
  const config = rqvaeSchema.parse({ initialisation: 'normal', deadCodeResetEpochs: 0 });
  const training = rqvaeTrainingSchema.parse({
    batchSize: 1024,
    precision,
    maxEpochs: Number(epochs) + 1,
    progressBar: false,
  });
  const rates = [];
  let start = performance.now();
  let loss = Number.NaN;
  await trainRqvae({
    embeddings,
    config,
    training,
    callbacks: [
      (event) => {
        if (event.kind === 'step') loss = event.loss;
        if (event.kind !== 'epoch') return;
        const seconds = (performance.now() - start) / 1000;
        console.log(`epoch ${event.state.epoch}: ${(1 / seconds).toFixed(2)} epochs/s, loss ${loss.toFixed(3)}`);
        if (event.state.epoch > 1) rates.push(1 / seconds);
        start = performance.now();
      },
    ],
  });
  const { hiddenDims, latentDim, levels, codebookSize } = config;
  const model = `${[embeddings.dim, ...hiddenDims, latentDim].join('-')}, ${levels} x ${codebookSize}`;
  return { epochsPerSecond: median(rates), items: embeddings.rows, model };
}
