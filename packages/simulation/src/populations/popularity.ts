import { appendProfiles, filledProfiles } from './profiles.js';
import type { Model } from './system.js';

/** Recommends what was met most. Every user is a 1, every item the number of its interactions; new items begin with none. */
export const popularity: Model = ({ numUsers, numItems }) => {
  const users = filledProfiles(numUsers, 1, 1);
  const items = filledProfiles(numItems, 1);
  return {
    users,
    items,
    update(interactions) {
      for (const item of interactions) items.values[item]++;
    },
    addItems: (added) => appendProfiles(items, filledProfiles(added.rows, 1), 'items'),
    addUsers: (added) => appendProfiles(users, filledProfiles(added.rows, 1, 1), 'users'),
  };
};
