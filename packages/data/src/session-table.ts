import { readMappedInteractions } from './column-map.js';
import type { RawInteraction } from './interactions.js';
import type { ToleranceOptions } from './read-lines.js';

/**
 * Reads GRU4Rec's files: tab separated, plain or gzip, with the columns SessionId, ItemId and Time (unix seconds). Ids
 * are kept as texts, so that none is rounded, however large. For other names see `readMappedInteractions`.
 *
 * @throws Error naming the columns that are missing and those that there are
 */
export function readSessionTable(path: string, options: ToleranceOptions = {}): AsyncGenerator<RawInteraction> {
  const columns = { user: 'SessionId', item: 'ItemId', timestamp: 'Time' };
  return readMappedInteractions(path, { columns, format: 'tsv' }, options);
}
