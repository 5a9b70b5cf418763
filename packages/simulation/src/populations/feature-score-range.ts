import type { Measurement } from './measurement.js';
import { type Profiles, profileOf } from './profiles.js';

export interface FeatureScoreRangeOptions {
  /** One range over all attributes of all items together, as T-RECS computes it. */
  upstream?: boolean;
}

/**
 * Average feature score range of one list: the range of each attribute over its items, averaged over attributes. Willemsen, Graus &
 * Knijnenburg 2016, "Understanding the role of latent feature diversification on choice difficulty and satisfaction", sec. 3.
 *
 * @param list  item numbers
 */
export function featureScoreRange(
  items: Profiles,
  list: ArrayLike<number>,
  { upstream = false }: FeatureScoreRangeOptions = {},
): number {
  const { width } = items;
  const least = new Float64Array(width).fill(Infinity);
  const most = new Float64Array(width).fill(-Infinity);
  for (let place = 0; place < list.length; place++) {
    const profile = profileOf(items, list[place]);
    for (let a = 0; a < width; a++) {
      least[a] = Math.min(least[a], profile[a]);
      most[a] = Math.max(most[a], profile[a]);
    }
  }
  if (upstream) return most.reduce((a, b) => Math.max(a, b)) - least.reduce((a, b) => Math.min(a, b));
  return most.reduce((sum, value, a) => sum + value - least[a], 0) / width;
}

/** Mean over users of {@link featureScoreRange} of what the step showed, by what the system believes of items; null where it has no beliefs. */
export function averageFeatureScoreRange(options: FeatureScoreRangeOptions = {}): Measurement {
  return {
    name: 'afsr',
    measure({ shown, system: { items } }) {
      if (!shown || !items) return null;
      const numUsers = shown.items.length / shown.k; // fewer than there are where some have just joined
      let sum = 0;
      for (let user = 0; user < numUsers; user++) {
        sum += featureScoreRange(items, shown.items.subarray(user * shown.k, (user + 1) * shown.k), options);
      }
      return sum / numUsers;
    },
  };
}
