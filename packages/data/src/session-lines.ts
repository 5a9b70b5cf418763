import { basename } from 'node:path';
import type { RawInteraction } from './interactions.js';
import { readLines } from './read-lines.js';

/**
 * Reads files of one session a line, items separated by blanks, oldest first (as the preprocessing of SR-GNN and its
 * successors leaves them), plain or gzip. A session is called after its file (less `.txt` and `.gz`) and line, `train:17`,
 * so that those of train and test stay apart in `collectPresplit`; each click's place in the file serves as timestamp, for such files are
 * in the order of time.
 */
export async function* readSessionLines(path: string): AsyncGenerator<RawInteraction> {
  const name = basename(path).replace(/(\.txt)?(\.gz)?$/, '');
  let timestamp = 0;
  for await (const { number, text } of readLines(path)) {
    if (text.trim() === '') continue;
    for (const item of text.trim().split(/\s+/)) yield { user: `${name}:${number}`, item, timestamp: timestamp++ };
  }
}
