import { selectBackend } from '@codebeam/backend';
import { assignSemanticIds } from '@codebeam/rqvae';
import { createTigerRecommender, tigerSchema } from '@codebeam/tiger';
import { tigerTrainingSchema, trainTiger } from '@codebeam/trainers';
import { describeRecommender } from './recommender.js';

describeRecommender('tiger', async (sequences, numItems) => {
  await selectBackend();
  const { model } = await trainTiger({
    sequences,
    // Four codes of four items each; the collision code tells them apart.
    ids: assignSemanticIds(
      Int32Array.from({ length: numItems }, (_, item) => item % 4),
      1,
      4,
    ),
    config: tigerSchema.parse({
      modelWidth: 32,
      encoderLayers: 1,
      decoderLayers: 1,
      heads: 4,
      headWidth: 8,
      feedForwardWidth: 64,
      dropout: 0,
      // No longer than what training has: the whole history of a user is one item longer.
      maxHistory: 3,
    }),
    training: tigerTrainingSchema.parse({
      maxEpochs: 60,
      batchSize: 16,
      learningRate: 3e-3,
      progressBar: false,
      earlyStoppingPatience: 0,
    }),
  });
  return createTigerRecommender(model, { beamWidth: 16 });
});
