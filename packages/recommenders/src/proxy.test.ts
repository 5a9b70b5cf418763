import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@codebeam/backend';
import { packSequences, sequenceOf, writeParquet } from '@codebeam/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ease, proxy } from './index.js';

const userIds = ['ann', 'bob', 'cem'];
const itemIds = ['x', 'y', 'z', 'w'];
const sequences = packSequences([Int32Array.of(0, 1), Int32Array.of(1, 2), Int32Array.of(3)]);
const data = { sequences, numItems: 4, userIds, itemIds, fittedOn: 'train' } as const;

describe('the proxy', () => {
  let folder: string;
  beforeAll(async () => {
    await selectBackend();
    folder = mkdtempSync(join(tmpdir(), 'codebeam-proxy-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const fit = (name: string, text: string, context = {}) => {
    writeFileSync(join(folder, name), text);
    return proxy.fit(data, { file: join(folder, name) }, context);
  };
  const listsOf = async (recommender: Awaited<ReturnType<typeof fit>>, users = userIds, maskHistory = false) => {
    const histories = users.map((user) => sequenceOf(sequences, userIds.indexOf(user)));
    const { items } = await recommender.recommend(histories, 3, { maskHistory, users });
    return users.map((_, row) => [...items.subarray(3 * row, 3 * row + 3)]);
  };

  it('lists what the file has: by rank, else by score with the lower id first at ties, else by place', async () => {
    const ranked = await fit('ranks.tsv', 'user\titem\trank\nann\tw\t2\nann\tz\t1\nbob\ty\t1\nzoe\tx\t1\n');
    expect(await listsOf(ranked)).toEqual([
      [2, 3, -1],
      [1, -1, -1],
      [-1, -1, -1], // the file has nothing for cem, and what it has for zoe nobody asks for
    ]);
    const scored = await fit('scores.csv', 'user_id,item_id,score\nann,w,.5\nann,x,.1\nann,z,.5\nann,y,.50000000001\n');
    expect(await listsOf(scored, ['ann'])).toEqual([[1, 2, 3]]);
    expect([...(await scored.score([new Int32Array(0)], { users: ['ann'] }))]).toEqual([-4, -1, -2, -2]);
    const plain = await fit('plain.jsonl', '{"user":"ann","item":"w"}\n{"user":"ann","item":"x"}\n');
    expect(await listsOf(plain, ['ann'])).toEqual([[3, 0, -1]]);
  });

  it('masks before it cuts, as for any recommender', async () => {
    const recommender = await fit('seen.tsv', 'user\titem\trank\nann\tx\t1\nann\ty\t2\nann\tw\t3\n');
    expect(await listsOf(recommender, ['ann'], true)).toEqual([[3, -1, -1]]);
  });

  it('gives back the lists of a recommender that were written down', async () => {
    const recommender = await ease.fit(data, { l2: 1 });
    const asked = { maskHistory: true, users: userIds };
    const histories = userIds.map((_, row) => sequenceOf(sequences, row));
    const expected = await recommender.recommend(histories, 4, asked);
    const kept = Array.from(expected.items.keys()).filter((place) => expected.items[place] >= 0);
    await writeParquet(join(folder, 'ease.parquet'), {
      user: { type: 'string', values: kept.map((place) => userIds[Math.floor(place / 4)]) },
      item: { type: 'string', values: kept.map((place) => itemIds[expected.items[place]]) },
      score: { type: 'double', values: kept.map((place) => expected.scores[place]) },
    });
    const pathOf = (file: string) => join(folder, file);
    const again = await proxy.fit(data, { file: 'ease.parquet' }, { pathOf });
    expect((await again.recommend(histories, 4, asked)).items).toEqual(expected.items);
    expect(again.parameters).toEqual({ fittedOn: 'unknown', file: 'ease.parquet' });
  });

  it('refuses what it knows nothing of', async () => {
    const recommender = await fit('ann.tsv', 'user\titem\trank\nann\tz\t1\n');
    const ask = (options: object) => recommender.recommend([Int32Array.of(1)], 2, { maskHistory: true, ...options });
    await expect(ask({})).rejects.toThrow('proxy: users must be named, got histories alone');
    await expect(ask({ users: ['zoe'] })).rejects.toThrow('proxy: users must be of the training data, got zoe');
    await expect(fit('zoe.tsv', 'user\titem\trank\nzoe\tx\t1\n')).rejects.toThrow(
      'must have a list for some user of the data, got those of zoe',
    );
    await expect(fit('v.tsv', 'user\titem\trank\nann\tv\t1\n')).rejects.toThrow(
      'must be of the catalogue, got v for user ann',
    );
    await expect(fit('twice.tsv', 'user\titem\trank\nann\tx\t1\nann\tx\t2\n')).rejects.toThrow(
      'must list an item once for a user, got item x twice for user ann',
    );
    const { userIds: _, ...nameless } = data;
    await expect(proxy.fit(nameless, { file: 'any' })).rejects.toThrow('proxy: userIds and itemIds must come');
  });
});
