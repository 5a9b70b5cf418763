import { basename } from 'node:path';
import type { RawInteraction } from './interactions.js';
import { readLines } from './read-lines.js';

/**
 * Reads files of one session a line, items separated by blanks, oldest first (as the preprocessing of SR-GNN and its
 * successors leaves them), plain or gzip. A session is called after its file and line, `train:17`, so that those of
 * train and test stay apart in `collectSplit`; each item's place in its line serves as timestamp.
 */
export async function* readSessionLines(path: string): AsyncGenerator<RawInteraction> {
  const [name] = basename(path).split('.');
  for await (const { number, text } of readLines(path)) {
    if (text.trim() === '') continue;
    for (const [timestamp, item] of text.trim().split(/\s+/).entries()) {
      yield { user: `${name}:${number}`, item, timestamp };
    }
  }
}
