import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createEventFile } from '../event-file.js';
import type { TrialRecord } from './journal.js';
import type { Report } from './launcher.js';
import type { Hyperparameters } from './search-space.js';

/** A run under way, as a tracker sees it. */
export interface TrackedRun {
  report(report: Report): Promise<void>;
  end(status: Exclude<TrialRecord['status'], 'running'>): Promise<void>;
}

/** Shows runs to people: files on this machine, or a server. */
export interface Tracker {
  readonly name: string;
  begin(run: string, values: Hyperparameters): Promise<TrackedRun>;
}

/**
 * Several trackers as one that never fails, and keeps nobody waiting before the end: what a tracker is told, it takes in its own time.
 * One that fails is left out of the run from then on, with a warning.
 */
export function joinTrackers(trackers: readonly Tracker[], warn: (message: string) => void): Tracker {
  return {
    name: trackers.map(({ name }) => name).join(', '),
    async begin(run, values) {
      const queues = trackers.map((tracker) => {
        const giveUp = (error: Error): undefined => {
          warn(`${tracker.name} tracks ${run} no longer: ${error.message}`);
        };
        let last: Promise<TrackedRun | undefined> = tracker.begin(run, values).catch(giveUp);
        return async (action: (tracked: TrackedRun) => Promise<void>) => {
          last = last.then(async (tracked) => {
            if (!tracked) return undefined;
            try {
              await action(tracked);
              return tracked;
            } catch (error) {
              await tracked.end('failed').catch(() => {}); // or it stays open for good
              return giveUp(error as Error);
            }
          });
          await last;
        };
      });
      return {
        async report(report) {
          for (const tell of queues) void tell((tracked) => tracked.report(report));
        },
        async end(status) {
          await Promise.all(queues.map((tell) => tell((tracked) => tracked.end(status))));
        },
      };
    },
  };
}

/** Writes each run to a folder of its own: an event file for TensorBoard, and `metrics.jsonl`, a line for each report. */
export function fileTracker(folder: string): Tracker {
  return {
    name: 'files',
    async begin(run, values) {
      const directory = join(folder, run.replace(/[^\w.-]+/g, '_'));
      const file = join(directory, 'metrics.jsonl');
      await mkdir(directory, { recursive: true });
      const events = createEventFile(directory);
      events.start(0); // a trial that begins anew takes the place of what it was before
      events.text('hyperparameters', markdownTable(values), 0);
      await events.flush();
      await writeFile(file, `${JSON.stringify({ values })}\n`);
      return {
        async report({ resource, metrics }) {
          for (const [name, value] of Object.entries(metrics)) events.scalar(`validation/${name}`, value, resource);
          await events.flush();
          await appendFile(file, `${JSON.stringify({ resource, validation: metrics })}\n`);
        },
        async end(status) {
          await appendFile(file, `${JSON.stringify({ status })}\n`);
        },
      };
    },
  };
}

function markdownTable(values: Hyperparameters): string {
  const rows = Object.entries(values).map(([key, value]) => `| ${key} | ${JSON.stringify(value)} |`);
  return ['| option | value |', '| --- | --- |', ...rows].join('\n');
}
