import { fitCoOccurrence, fitMarkov, fitMostPopular } from '@codebeam/recommenders';
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
