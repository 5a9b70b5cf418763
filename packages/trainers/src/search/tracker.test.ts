import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fileTracker, type Tracker } from './index.js';
import { joinTrackers } from './tracker.js';

it('fileTracker writes metrics.jsonl and an event file for each run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tracker-'));
  const run = await fileTracker(folder).begin('study-3', { l2: 5 });
  await run.report({ resource: 2, metrics: { 'ndcg@10': 0.5 } });
  await run.end('complete');
  expect(await readFile(join(folder, 'study-3', 'metrics.jsonl'), 'utf8')).toBe(
    '{"values":{"l2":5}}\n{"resource":2,"validation":{"ndcg@10":0.5}}\n{"status":"complete"}\n',
  );
  const [events] = (await readdir(join(folder, 'study-3'))).filter((name) => name.startsWith('events.out.tfevents.'));
  const bytes = await readFile(join(folder, 'study-3', events), 'latin1');
  expect(bytes).toContain('validation/ndcg@10');
  expect(bytes).toContain('| l2 | 5 |');
});

it('joinTrackers keeps no trial waiting for a slow tracker before its end', async () => {
  const told: unknown[] = [];
  let answer = () => {};
  const slow: Tracker = {
    name: 'slow',
    async begin() {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return {
        report: async ({ resource }) => void told.push(resource),
        end: async (status) => void told.push(status),
      };
    },
  };
  const run = await joinTrackers([slow], () => {}).begin('study-1', {});
  for (const resource of [1, 2]) await run.report({ resource, metrics: {} });
  expect(told).toEqual([]);
  answer();
  await run.end('complete');
  expect(told).toEqual([1, 2, 'complete']);
});
