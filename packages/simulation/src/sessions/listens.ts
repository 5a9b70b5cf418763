import { collectInteractions, type Interactions, kCore, writeParquet } from '@codebeam/data';
import type { EventLog } from './event-log.js';

export interface ListensOptions {
  /** Share of a track above which listening to it says that it was liked. Default .8. */
  minTime?: number;
  /** Listens that each user and track must have, again and again until all have. Default 3. */
  minInteractions?: number;
}

/**
 * What users liked, in the order of the log: training data for a recommender. User and item ids are the log's numbers.
 *
 * @throws RangeError when nothing is left
 */
export async function listensOf(
  log: EventLog,
  { minTime = 0.8, minInteractions = 3 }: ListensOptions = {},
): Promise<Interactions> {
  const { users, tracks, times, timestamps } = log;
  function* liked() {
    for (let row = 0; row < users.length; row++) {
      if (!(times[row] > minTime)) continue;
      yield { user: String(users[row]), item: String(tracks[row]), timestamp: timestamps[row] / 1000 };
    }
  }
  const isLiked = times.some((time) => time > minTime);
  const listens = isLiked ? kCore(await collectInteractions(liked()), minInteractions) : undefined;
  if (listens && listens.users.length > 0) return listens;
  throw new RangeError(
    `simulation: listens must leave something of ${users.length} events, got none with minTime ${minTime} and minInteractions ${minInteractions}; lower them, or simulate more sessions`,
  );
}

/** Writes listens as a table of user, item and timestamp, which pipelines read. */
export async function writeListens(file: string, { users, items, timestamps, userIds, itemIds }: Interactions) {
  await writeParquet(file, {
    user: { type: 'string', values: Array.from(users, (user) => userIds[user]) },
    item: { type: 'string', values: Array.from(items, (item) => itemIds[item]) },
    timestamp: { type: 'timestamp', values: timestamps },
  });
}
