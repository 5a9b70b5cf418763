import { checkFirstLine } from './ids.js';
import type { RawInteraction } from './interactions.js';
import { readLines } from './read-lines.js';

/**
 * Reads S3-Rec sequence files (`Beauty.txt`), plain or gzip: one user a line, `user item item ...`, oldest first.
 * There are no times, so each item's place in its line serves as timestamp. Zhou et al. 2020 (S3-Rec).
 *
 * @throws Error naming file and line when a line has no item, or a user that an earlier line has
 */
export async function* readS3RecSequences(path: string): AsyncGenerator<RawInteraction> {
  const lineOf = new Map<string, number>();
  for await (const { number, text } of readLines(path)) {
    const [user, ...items] = text.trim().split(/\s+/);
    if (user === '') continue;
    if (items.length === 0) {
      throw new Error(
        `data: ${path}:${number} must be "user item item ...", got ${JSON.stringify(user)} alone; add items`,
      );
    }
    checkFirstLine(path, number, user, lineOf);
    for (const [timestamp, item] of items.entries()) yield { user, item, timestamp };
  }
}
