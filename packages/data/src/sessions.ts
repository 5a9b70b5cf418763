import { type Interactions, keepRows, rowsByUser, rowsInTime } from './interactions.js';

/**
 * Drops each row whose item is that of the row before it in the same session (user), by time: reloads of a page say
 * nothing about what comes next.
 */
export function mergeRepeats(interactions: Interactions): Interactions {
  const { items } = interactions;
  const { offsets, rows } = rowsByUser(interactions, rowsInTime(interactions));
  const keep = new Uint8Array(rows.length).fill(1);
  for (let user = 0; user + 1 < offsets.length; user++) {
    for (let place = offsets[user] + 1; place < offsets[user + 1]; place++) {
      if (items[rows[place]] === items[rows[place - 1]]) keep[rows[place]] = 0;
    }
  }
  return keepRows(interactions, keep);
}

/**
 * Makes sessions of users: a new one begins wherever more than so many seconds lie between two rows. The n-th session
 * of user `u` is called `u#n`, from 1; rows stay where they are.
 */
export function splitAtGaps(interactions: Interactions, seconds: number): Interactions {
  const { timestamps } = interactions;
  const { offsets, rows } = rowsByUser(interactions, rowsInTime(interactions));
  const all = new Uint8Array(rows.length).fill(1);
  const sessions = new Int32Array(rows.length);
  const sessionIds: string[] = [];
  for (const [user, id] of interactions.userIds.entries()) {
    let ofUser = 0;
    for (let place = offsets[user]; place < offsets[user + 1]; place++) {
      const isFirst = place === offsets[user];
      if (isFirst || timestamps[rows[place]] - timestamps[rows[place - 1]] > seconds) {
        sessionIds.push(`${id}#${++ofUser}`);
      }
      sessions[rows[place]] = sessionIds.length - 1;
    }
  }
  return keepRows({ ...interactions, users: sessions, userIds: sessionIds }, all);
}
