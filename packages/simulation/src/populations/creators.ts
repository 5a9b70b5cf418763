import type { Generator } from '@codebeam/random';
import { filledProfiles, type Profiles, profileOf } from './profiles.js';

/** Those who make new items during a run. */
export interface Creators {
  /** [C, A] chances that an item of theirs has an attribute, each in [0, 1]. */
  profiles: Profiles;
  /** That a creator makes an item in a step; .5 when left out. */
  creationProbability?: number;
  /**
   * Lets creators learn: called after each step with what users chose, [U], and what items are. It changes the profiles in place.
   */
  update?(profiles: Profiles, interactions: Int32Array, items: Profiles): void;
}

/**
 * Makes the items of a step: each creator with the creation probability makes one, whose attributes are 1 with the probabilities in the
 * creator's profile and else 0.
 *
 * @returns [new items, A]
 * @throws RangeError when a profile has a number outside [0, 1]
 */
export function createItems({ profiles, creationProbability = 0.5 }: Creators, random: Generator): Profiles {
  const { rows, width, values } = profiles;
  if (!(creationProbability >= 0 && creationProbability <= 1)) {
    throw new RangeError(`simulation: creation probability must be from 0 to 1, got ${creationProbability}`);
  }
  const wrong = values.find((value) => !(value >= 0 && value <= 1));
  if (wrong !== undefined) {
    throw new RangeError(`simulation: profiles of creators must be chances, from 0 to 1, got ${wrong}`);
  }
  const active: number[] = [];
  for (let creator = 0; creator < rows; creator++) if (random.uniform() < creationProbability) active.push(creator);
  const items = filledProfiles(active.length, width);
  for (const [item, creator] of active.entries()) {
    const chances = profileOf(profiles, creator);
    for (let a = 0; a < width; a++) items.values[item * width + a] = random.uniform() < chances[a] ? 1 : 0;
  }
  return items;
}
