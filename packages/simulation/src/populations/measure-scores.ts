import type { Measurement } from './measurement.js';
import type { Population } from './population.js';

/**
 * Mean over all users and items of (predicted - actual)^2, a user at a time; null for a system without scores.
 *
 * @param options.diagnostics  describe, over users, (mean predicted - mean actual)^2, as T-RECS does
 */
export function meanSquaredError({ diagnostics = false } = {}): Measurement {
  let observations: Float64Array | null = null;
  return {
    name: 'mse',
    measure(population) {
      observations = diagnostics && population.predictedScores ? new Float64Array(population.numUsers) : null;
      return squaredError(population, observations);
    },
    ...(diagnostics && { observations: () => observations }),
  };
}

/** The root of {@link meanSquaredError}. */
export function rootMeanSquaredError(): Measurement {
  return {
    name: 'rmse',
    measure(population) {
      const error = squaredError(population, null);
      return error === null ? null : Math.sqrt(error);
    },
  };
}

function squaredError(
  { numUsers, numItems, predictedScores, actualScores }: Population,
  ofMeans: Float64Array | null,
): number | null {
  if (!predictedScores) return null;
  const predicted = new Float64Array(numItems);
  const actual = new Float64Array(numItems);
  let total = 0;
  let [isPredicted, isActual] = [false, false];
  for (let user = 0; user < numUsers; user++) {
    isPredicted &&= predictedScores.isSame(user - 1, user);
    isActual &&= actualScores.isSame(user - 1, user);
    if (!isPredicted) predictedScores.write(user, predicted);
    if (!isActual) actualScores.write(user, actual);
    [isPredicted, isActual] = [true, true];
    let sum = 0;
    let difference = 0;
    for (let item = 0; item < numItems; item++) {
      const error = predicted[item] - actual[item];
      sum += error * error;
      difference += error;
    }
    total += sum;
    if (ofMeans) ofMeans[user] = (difference / numItems) ** 2;
  }
  return total / (numUsers * numItems);
}
