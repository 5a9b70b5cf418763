import type { Recommender } from '@codebeam/eval';
import { nestOptions, type Objective } from '@codebeam/trainers';
import type { RecommenderModel, TrainingData } from './define-recommender.js';

/**
 * What a search of a model's options tries: a trial's values are the options, `training.learningRate` and the like for nested ones.
 * A model that is trained in steps reports each of its validations, and can be stopped there; its resource is their number. Any other
 * is measured once, at resource 1. A trial that was killed begins anew, for a validation does not know its number after a restart.
 *
 * @param options.metric    of those that `evaluate` returns; the one that the study goes by
 * @param options.evaluate  measures a recommender on the validation part
 */
export function searchObjective(options: {
  model: RecommenderModel;
  data: TrainingData;
  metric: string;
  evaluate: (recommender: Recommender) => Promise<Record<string, number>>;
}): Objective {
  const { model, data, metric, evaluate } = options;
  return async ({ number, values, seed, folder }, report) => {
    let resource = 0;
    const measure = async (recommender: Recommender) => {
      const metrics = await evaluate(recommender);
      await report({ resource: ++resource, metrics });
      return metrics;
    };
    const label = `${model.name}-${number}`;
    const context = { seed, label, logFolder: folder, validation: { metric, evaluate: measure } };
    const recommender = await model.fit(data, nestOptions(values), context);
    if (resource === 0) await measure(recommender);
  };
}
