// Training steps on batches of 256, as fit makes them: samples by seconds over --steps, after three to warm up. Batches are of one
// length each, so a step's own rate says little. Weights are random.
import { bucketByLength, slidingWindowPairs } from '@codebeam/data';
import { createKey, foldIn } from '@codebeam/random';
import { createVocabulary, initTiger, tigerLoss, tokenizeHistories, tokenizeItems } from '@codebeam/tiger';
import { fit, tigerTrainingSchema, trainingPlan } from '@codebeam/trainers';
import { loadTokenized, tigerConfig } from './beauty.mjs';

const warmUp = 3;

export async function run({ raw, model = 'paper', steps = '40', precision }) {
  const config = tigerConfig(model);
  const { name, ids, train } = await loadTokenized(raw);
  const vocabulary = createVocabulary(ids, config);
  const batchSize = 256;
  const pairs = slidingWindowPairs(train, config);
  const key = createKey(1, 'shuffle');
  const batches = (epoch) => bucketByLength(pairs, { batchSize, key: foldIn(key, epoch) });
  const training = tigerTrainingSchema.parse({
    batchSize,
    precision,
    maxEpochs: 0,
    maxSteps: Number(steps) + warmUp,
  });
  const { totalSteps: _, ...plan } = trainingPlan(training, batches(0).size);
  let start = performance.now();
  let samples = 0;
  const total = { samples: 0, seconds: 0 };
  await fit({
    ...plan,
    start: { params: initTiger(config, vocabulary, 1) },
    batches,
    loss: (params, { histories, targets }, { key }) => {
      samples = histories.length;
      const rows = tokenizeHistories(vocabulary, ids, histories, config);
      return { loss: tigerLoss(params, rows, tokenizeItems(vocabulary, ids, targets), config, key) };
    },
    callbacks: [
      ({ kind, state }) => {
        if (kind !== 'step') return;
        const seconds = (performance.now() - start) / 1000;
        console.log(`step ${state.step}: ${(samples / seconds).toFixed(1)} samples/s`);
        if (state.step > warmUp) {
          total.samples += samples;
          total.seconds += seconds;
        }
        start = performance.now();
      },
    ],
  });
  return { samplesPerSecond: total.samples / total.seconds, data: name, model };
}
