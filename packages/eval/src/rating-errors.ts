import type { Conventions } from './conventions.js';
import type { RankingCase } from './ranking-metrics.js';
import type { Targets } from './target-ranks.js';

interface RatingError {
  /** [cases] NaN without a rated item that has a prediction. */
  perUser: Float64Array;
  mean: number;
}

/** MAE, MSE and RMSE of predictions for rated test items. Per user the RMSE is the root of the user's own mean. */
export function ratingErrors(
  { ratings, predictions }: Targets,
  cases: readonly RankingCase[],
  over: Conventions['errors'],
): Record<'mae' | 'mse' | 'rmse', RatingError> {
  const errorsOf = ({ start, end }: RankingCase) => {
    const errors: number[] = [];
    for (let row = start; row < end; row++) errors.push((predictions?.[row] ?? NaN) - (ratings?.[row] ?? NaN));
    return errors.filter((error) => !Number.isNaN(error));
  };
  const byCase = cases.map(errorsOf);
  const average = (term: (error: number) => number, root: (mean: number) => number): RatingError => {
    const perUser = Float64Array.from(byCase, (errors) => root(meanOf(errors.map(term))));
    const told = Array.from(perUser).filter((value) => !Number.isNaN(value));
    return { perUser, mean: over === 'user' ? meanOf(told) : root(meanOf(byCase.flat().map(term))) };
  };
  return {
    mae: average(Math.abs, (mean) => mean),
    mse: average(
      (error) => error ** 2,
      (mean) => mean,
    ),
    rmse: average((error) => error ** 2, Math.sqrt),
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
