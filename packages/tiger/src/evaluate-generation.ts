import type { EvaluationCase } from '@codebeam/data';
import { evaluate, meanMetrics } from '@codebeam/eval';
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
  const evaluation = await evaluate(createTigerRecommender(model, { beamWidth }), cases, {
    ks,
    maskHistory,
    numItems: model.ids.numItems,
    ...(userIds && { userIds }),
  });
  return meanMetrics(evaluation);
}
