// Training steps on batches of 256, as fit makes them: the median of --steps, after one to warm up. Weights are random.
import { bucketByLength, slidingWindowPairs } from '@codebeam/data';
import { createKey, foldIn } from '@codebeam/random';
import { createVocabulary, initTiger, tigerLoss, tokenizeHistories, tokenizeTargets } from '@codebeam/tiger';
import { fit, tigerTrainingSchema, trainingPlan } from '@codebeam/trainers';
import { loadTokenized, median, tigerConfig } from './beauty.mjs';

export async function run({ raw, model, steps }) {
  const config = tigerConfig(model);
  const { name, ids, train } = await loadTokenized(raw);
  const vocabulary = createVocabulary(ids, config);
  const batchSize = 256;
  const pairs = slidingWindowPairs(train, config);
  const key = createKey(1, 'shuffle');
  const batches = (epoch) => bucketByLength(pairs, { batchSize, key: foldIn(key, epoch) });
  const training = tigerTrainingSchema.parse({ batchSize, maxEpochs: 0, maxSteps: Number(steps) + 1 });
  const { totalSteps: _, ...plan } = trainingPlan(training, batches(0).size);
  const rates = [];
  let start = performance.now();
  let samples = 0;
  await fit({
    ...plan,
    start: { params: initTiger(config, vocabulary, 1) },
    batches,
    loss: (params, { histories, targets }, { key }) => {
      samples = histories.length;
      const rows = tokenizeHistories(vocabulary, ids, histories, config.maxHistory);
      return { loss: tigerLoss(params, rows, tokenizeTargets(vocabulary, ids, targets), config, key) };
    },
    callbacks: [
      ({ kind, state }) => {
        if (kind !== 'step') return;
        const seconds = (performance.now() - start) / 1000;
        console.log(`step ${state.step}: ${(samples / seconds).toFixed(1)} samples/s`);
        if (state.step > 1) rates.push(samples / seconds);
        start = performance.now();
      },
    ],
  });
  return { samplesPerSecond: median(rates), data: name, model };
}
