import type { Population } from './population.js';
import { copyProfiles, filledProfiles, type Profiles, profileOf } from './profiles.js';
import type { Scorer } from './score-functions.js';

/** What is kept of each step. A new one is one object: a name, and a function that copies it. */
export interface StateVariable {
  readonly name: string;
  /** A copy, for the population goes on changing. Of no rows where there is nothing. */
  record(population: Population): Profiles;
}

const nothing: Profiles = { rows: 0, width: 0, values: new Float64Array(0) };

/** T-RECS' state variables by its names for them. Scores are U x I numbers a step. */
export const stateVariables = {
  predicted_users: { name: 'predicted_users', record: ({ system }) => copyOf(system.users) },
  predicted_items: { name: 'predicted_items', record: ({ system }) => copyOf(system.items) },
  predicted_user_scores: {
    name: 'predicted_user_scores',
    record: ({ predictedScores, numUsers, numItems }) =>
      predictedScores ? scoresOf(predictedScores, numUsers, numItems) : nothing,
  },
  actual_user_profiles: { name: 'actual_user_profiles', record: ({ users }) => copyProfiles(users) },
  actual_user_scores: {
    name: 'actual_user_scores',
    record: ({ actualScores, numUsers, numItems }) => scoresOf(actualScores, numUsers, numItems),
  },
  actual_creator_profiles: { name: 'actual_creator_profiles', record: ({ creators }) => copyOf(creators) },
  infection_state: {
    name: 'infection_state',
    record: ({ system: { infectionState } }) =>
      infectionState ? { rows: infectionState.length, width: 1, values: Float64Array.from(infectionState) } : nothing,
  },
  items_shown: {
    name: 'items_shown',
    record: ({ shown, numUsers }) =>
      shown ? { rows: numUsers, width: shown.k, values: Float64Array.from(shown.items) } : nothing,
  },
} as const satisfies Record<string, StateVariable>;

const copyOf = (profiles: Profiles | undefined) => (profiles ? copyProfiles(profiles) : nothing);

function scoresOf(scorer: Scorer, numUsers: number, numItems: number): Profiles {
  const scores = filledProfiles(numUsers, numItems);
  for (let user = 0; user < numUsers; user++) scorer.write(user, profileOf(scores, user));
  return scores;
}
