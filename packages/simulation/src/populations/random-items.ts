import { appendProfiles, filledProfiles } from './profiles.js';
import type { Model } from './system.js';

/** Recommends at random: all scores are 0, and ties are broken by chance. */
export const randomItems: Model = ({ numUsers, numItems }) => {
  const users = filledProfiles(numUsers, 1);
  const items = filledProfiles(numItems, 1);
  return {
    users,
    items,
    addItems: (added) => appendProfiles(items, filledProfiles(added.rows, 1), 'items'),
    addUsers: (added) => appendProfiles(users, filledProfiles(added.rows, 1), 'users'),
  };
};
