import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

// What Nx runs: the built command, as a process of its own. `npm test` builds before it tests.
const command = resolve(import.meta.dirname, '../../pipelines/dist/run-stage.js');
let folder: string;

const config = `
fetch-data:
  layouts:
    - interactions: { type: table, file: events.csv, columns: { user: user, item: item, timestamp: time } }
      recommendations: [lists.tsv]
prepare-data: { minInteractions: 0 }
protocol: { split: { type: temporal-holdout, ratio: 0.2 }, ks: [1] }
recommenders:
  - { model: most-popular }
  - { model: proxy, name: theirs, file: lists.tsv }
`;

function run(stage: string, ...args: string[]) {
  const all = [command, stage, '--config', 'shop.yaml', '--raw', 'raw', ...args];
  const { status, stderr } = spawnSync(process.execPath, all, {
    cwd: folder,
    env: { ...process.env, INIT_CWD: undefined, CODEBEAM_BACKEND: 'cpu' },
    encoding: 'utf8',
  });
  return { status, stderr };
}

/** Six users meet items 0 to 4, each from another one on; the last is held out. The lists name it at the given place. */
function writeLists(place: number): void {
  const rows = Array.from(
    { length: 6 },
    (_, user) => `u${user}\ti${(user + 4) % 6}\t${place}\nu${user}\ti${(user + 5) % 6}\t${3 - place}`,
  );
  writeFileSync(join(folder, 'raw/lists.tsv'), `user\titem\trank\n${rows.join('\n')}\n`);
}

function recallOf(model: string): number {
  const { models } = JSON.parse(readFileSync(join(folder, 'checkpoints/shop/evaluate/metrics.json'), 'utf8'));
  return models.find(({ name }: { name: string }) => name === model).metrics['recall@1'].mean;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'proxy-'));
  mkdirSync(join(folder, 'raw'));
  writeFileSync(join(folder, 'shop.yaml'), config);
  const events = Array.from(
    { length: 30 },
    (_, i) => `u${Math.floor(i / 5)},i${(Math.floor(i / 5) + (i % 5)) % 6},${i}`,
  );
  writeFileSync(join(folder, 'raw/events.csv'), `user,item,time\n${events.join('\n')}\n`);
});
afterAll(() => rmSync(folder, { recursive: true }));

it("puts another system's lists into the table, and sees that they were changed", () => {
  for (const [place, recall] of [
    [1, 1],
    [2, 0],
  ]) {
    writeLists(place);
    for (const stage of ['fetch-data', 'prepare-data', 'fit-recommenders', 'evaluate']) {
      expect(run(stage)).toEqual({ status: 0, stderr: '' });
    }
    expect(recallOf('theirs')).toBe(recall);
  }
}, 120_000);

it('asks for files that fetch-data knows of', () => {
  const { stderr } = run('fit-recommenders', '--set', 'recommenders=[{ model: proxy, file: other.tsv }]');
  expect(stderr).toContain('must be among the recommendations of a layout of fetch-data, got other.tsv');
});
