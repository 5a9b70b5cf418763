import type { EvaluationCase } from '@codebeam/data';
import { evaluate, ndcgAtK, recallAtK } from '@codebeam/eval';
import { createTigerRecommender, type TigerModel } from './recommend.js';

/**
 * Mean recall and NDCG of generated lists, as validation during training needs them.
 *
 * @returns `recall@k` and `ndcg@k` for each k
 */
export async function evaluateGeneration(
  model: TigerModel,
  cases: readonly EvaluationCase[],
  options: { ks: readonly number[]; beamWidth: number; maskHistory: boolean; userIds?: readonly string[] },
): Promise<Record<string, number>> {
  const { ks, beamWidth, maskHistory, userIds } = options;
  const { ranks } = await evaluate(createTigerRecommender(model, { beamWidth }), cases, {
    ks,
    maskHistory,
    numItems: model.ids.numItems,
    ...(userIds && { userIds }),
  });
  const mean = (metric: (rank: number, k: number) => number, k: number) =>
    ranks.reduce((sum, rank) => sum + metric(rank, k), 0) / ranks.length;
  return Object.fromEntries(
    ks.flatMap((k) => [
      [`recall@${k}`, mean(recallAtK, k)],
      [`ndcg@${k}`, mean(ndcgAtK, k)],
    ]),
  );
}
