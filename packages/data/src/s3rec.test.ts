import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { collectInteractions, orderByTime } from './interactions.js';
import { readS3RecSequences } from './s3rec.js';

const data = process.env.CODEBEAM_DATA;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codebeam-s3rec-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

it('reads S3-Rec sequences in the order of each line', async () => {
  const path = await fileOf('sequences.txt', '7 3 1 2\n\n8 2\n');
  const interactions = await collectInteractions(readS3RecSequences(path));
  expect(interactions.itemIds).toEqual(['3', '1', '2']);
  expect(orderByTime(interactions)).toEqual({ offsets: Int32Array.of(0, 3, 4), items: Int32Array.of(0, 1, 2, 2) });
  const again = Readable.from(readS3RecSequences(await fileOf('again.txt', '7 3\n8 2\n7 1\n'))).toArray();
  await expect(again).rejects.toThrow(/again\.txt:3 must be of a user of its own, got "7" as in line 1; join the two/);
  const short = Readable.from(readS3RecSequences(await fileOf('short.txt', '7 3\n8\n'))).toArray();
  await expect(short).rejects.toThrow(/short\.txt:2 must be "user item item \.\.\.", got "8" alone/);
});

it.skipIf(!data)('reads the published Beauty sequences (needs CODEBEAM_DATA)', async () => {
  const interactions = await collectInteractions(readS3RecSequences(join(data!, 'amazon_beauty', 'sequences.txt.gz')));
  const { userIds, itemIds, users } = interactions;
  expect([userIds.length, itemIds.length, users.length]).toEqual([22_363, 12_101, 198_502]);
  expect(orderByTime(interactions).items).toEqual(interactions.items);
});
