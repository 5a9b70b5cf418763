import { selectBackend } from '@codebeam/backend';
import {
  countLogit,
  createHybridRecommender,
  createSasrecRecommender,
  fitCoOccurrence,
  fitMarkov,
  fitMostPopular,
  sasrecSchema,
  sasrecTrainingSchema,
  trainSasrec,
} from '@codebeam/recommenders';
import { describeRecommender } from './recommender.js';

describeRecommender(
  'most-popular',
  (sequences, numItems) => fitMostPopular(sequences, numItems, { fittedOn: 'train' }),
  { withheldItem: 'it recommends the same to everybody' },
);
describeRecommender('markov', (sequences, numItems) => fitMarkov(sequences, numItems, { fittedOn: 'train' }));
describeRecommender('co-occurrence', (sequences, numItems) =>
  fitCoOccurrence(sequences, numItems, { fittedOn: 'train' }),
);
describeRecommender('sasrec', async (sequences, numItems) => {
  await selectBackend();
  const { model } = await trainSasrec({
    sequences,
    numItems,
    config: sasrecSchema.parse({ modelWidth: 32, layers: 1, dropout: 0, maxHistory: 3 }),
    training: sasrecTrainingSchema.parse({ maxEpochs: 60, batchSize: 16, learningRate: 5e-3, progressBar: false }),
  });
  return createSasrecRecommender(model, { fittedOn: 'train' });
});
describeRecommender('hybrid', (sequences, numItems) => {
  const parts = [fitMarkov, fitCoOccurrence].map((fit) => ({
    recommender: fit(sequences, numItems, { fittedOn: 'train' }),
    weight: 1,
    logit: countLogit,
  }));
  return createHybridRecommender(parts, numItems, { depth: numItems });
});
