import { join } from 'node:path';
import { duration } from '../progress-line.js';
import type { EnergyAssumptions } from './energy-estimate.js';
import { writeHistory } from './history.js';
import { applyLine, JournalError, type JournalLine, openJournal, type TrialRecord } from './journal.js';
import { type Decision, type Launcher, type Report, TrialFailed } from './launcher.js';
import type { Observation, Sampler } from './sampler.js';
import type { Progress, Scheduler } from './scheduler.js';
import type { Hyperparameters, SearchSpace } from './search-space.js';
import { rate, type Study, summarize } from './study.js';
import { fileTracker, joinTrackers, type Tracker } from './tracker.js';

export interface StudyOptions {
  space: SearchSpace;
  sampler: Sampler;
  /** Runs the trials; whoever made it closes it. */
  launcher: Launcher;
  /** Which of the reported metrics counts. */
  metric: string;
  mode: 'min' | 'max';
  /** How many trials; more may be asked for when the study goes on. A grid ends by itself. */
  trials?: number;
  /** A trial is stopped by the first that says so; without any, each runs to its end (FIFO). */
  schedulers?: readonly Scheduler[];
  seed: number;
  /** Where journal, history, logs and the trials' own folders go. */
  folder: string;
  /** Told of each trial, besides the event files and `metrics.jsonl` in `logs`. What they fail at is warned of, and never ends the study. */
  trackers?: readonly Tracker[];
  /** What the page's estimate of energy assumes; {@link estimateEnergy}'s defaults when left out. */
  energy?: Partial<EnergyAssumptions>;
  /** On the page and with trackers; `study` when left out. */
  name?: string;
  /** Hears a line for each trial, with what it took and the time left, and warnings. */
  log?: (line: string) => void;
}

/**
 * Searches a space for the best trial. Whatever happens is in `journal.jsonl` before anything follows from it: a study that is
 * killed goes on from there, and loses at most what the trials then running had not reported. A trial that fails is recorded, and
 * the study goes on. `trials.parquet` and `study.html` follow it, every two seconds at most and at the end.
 *
 * The same seed gives the same trials. A sampler that looks back is shown the trials up to n - concurrency when it proposes trial n,
 * whatever else has ended by then, so that this holds for trials side by side too, as long as no scheduler compares them.
 *
 * @throws RangeError when options make no sense or the folder is another study's
 */
export async function runStudy(options: StudyOptions): Promise<Study> {
  const { launcher, sampler, space, seed, folder, log = console.error } = options;
  const limit = trialLimit(options);
  const { concurrency } = launcher;
  if (!(Number.isSafeInteger(concurrency) && concurrency >= 1)) {
    throw new RangeError(
      `trainers: concurrency must be an integer of at least 1, got ${concurrency}; run one trial at a time`,
    );
  }
  const memory = await openMemory(options);
  if (memory.records.size > 0) log(`study goes on; ${memory.records.size} trials were begun before`);
  const begun = new Map<number, Promise<void>>();
  const began = Date.now();
  let next = 0;
  let numEnded = 0; // in this process
  let written = 0;

  /** A trial's values: those that it had before the study was killed, or new ones. */
  async function valuesOf(number: number): Promise<Hyperparameters | undefined> {
    const known = memory.records.get(number);
    if (known) return known.values;
    const numShown = sampler.looksBack ? Math.max(0, number - concurrency + 1) : 0;
    const shown = Array.from({ length: numShown }, (_, earlier) => earlier);
    await Promise.all(shown.map((earlier) => begun.get(earlier)));
    return sampler.propose(space, { seed, trial: number, history: shown.map(memory.observe) });
  }

  async function take(number: number): Promise<void> {
    const known = memory.records.get(number);
    if (known && known.status !== 'running') return;
    const values = await valuesOf(number);
    if (values === undefined) next = limit;
    else {
      const trial = await runTrial(options, memory, number, values);
      const secondsEach = (Date.now() - began) / 1000 / ++numEnded;
      log(`${describe(trial, options)}; ${describeProgress(memory.records.values(), limit, secondsEach)}`);
    }
    if (Date.now() - written < 2000) return; // it all is in the journal
    written = Date.now();
    await writeHistory(folder, memory.study());
  }

  async function work(): Promise<void> {
    while (next < limit) {
      const number = next++;
      begun.set(number, take(number));
      await begun.get(number);
    }
  }

  try {
    await Promise.all(Array.from({ length: concurrency }, work));
    const study = memory.study();
    await writeHistory(folder, study);
    return study;
  } finally {
    await memory.close();
  }
}

type Memory = Awaited<ReturnType<typeof openMemory>>;

/** What has happened so far: in the journal, and from there in memory. */
async function openMemory(options: StudyOptions) {
  const { folder, sampler, metric, mode, seed, space, energy, name = 'study' } = options;
  const identity = { sampler: sampler.name, metric, mode, seed, space };
  const { journal, lines } = await openJournal(join(folder, 'journal.jsonl'), identity);
  const records = new Map<number, TrialRecord>();
  let reports: Progress[] = []; // in order of arrival
  const reached = new Map<number, number>(); // by trial, the greatest resource

  /** Those from before a report: a trial that began anew takes back what it had reported from there on. */
  function reportsBefore({ trial, resource }: Progress): Progress[] {
    if (resource > (reached.get(trial) ?? -Infinity)) return reports;
    return reports.filter((report) => report.trial !== trial || report.resource < resource);
  }

  function apply(line: JournalLine): void {
    applyLine(records, line);
    if (line.event !== 'report') return;
    const latest = toProgress(line.trial, line);
    reports = reportsBefore(latest);
    reports.push(latest);
    reached.set(latest.trial, latest.resource);
  }

  /** @throws RangeError when the metric is not among what was reported, or anything is not finite */
  function toProgress(trial: number, { resource, metrics }: Report): Progress {
    const numbers = { resource, [metric]: undefined, ...metrics };
    for (const [key, value] of Object.entries(numbers)) {
      if (Number.isFinite(value)) continue;
      const known = Object.keys(metrics).join(', ');
      throw new RangeError(
        `trainers: trial ${trial} must report a finite ${key}, got ${value} among ${known}; correct the metric or the objective`,
      );
    }
    return { trial, resource, score: mode === 'max' ? metrics[metric] : -metrics[metric] };
  }

  for (const line of lines) apply(line);
  return {
    records,
    toProgress,
    reportsBefore,
    async record(line: JournalLine) {
      await journal.append(line);
      apply(line);
    },
    observe(trial: number): Observation {
      const { values, score } = rate(records.get(trial)!, metric, mode);
      return { values, loss: mode === 'max' ? -score : score };
    },
    study: () => summarize({ name, metric, mode, space, ...(energy && { energy }) }, records.values()),
    close: journal.close,
  };
}

/** Runs a trial to its end, whatever that is. */
async function runTrial(
  { schedulers = [], launcher, seed, folder, metric, trackers = [], name = 'study', log = console.error }: StudyOptions,
  { record, records, reportsBefore, toProgress }: Memory,
  number: number,
  values: Hyperparameters,
): Promise<TrialRecord> {
  const started = Date.now();
  await record({ event: 'start', trial: number, values, time: started / 1000 });
  const tracker = joinTrackers([fileTracker(join(folder, 'logs')), ...trackers], log);
  const tracked = await tracker.begin(`${name}-${number}`, values);
  let hadAll = false;
  const seconds = () => (Date.now() - started) / 1000;

  async function onReport(report: Report): Promise<Decision> {
    const latest = toProgress(number, report);
    const earlier = reportsBefore(latest);
    const verdicts = schedulers.map((scheduler) => scheduler.decide(earlier, latest));
    const verdict = verdicts.find((one) => one === 'stop') ?? verdicts.find((one) => one === 'complete');
    hadAll = verdict === 'complete';
    await record({ event: 'report', trial: number, resource: report.resource, metrics: report.metrics });
    await tracked.report(report);
    return verdict === undefined ? 'continue' : 'stop';
  }

  try {
    const trial = { number, values, seed, folder: join(folder, 'trials', String(number).padStart(5, '0')) };
    const outcome = await launcher.launch(trial, onReport);
    if (records.get(number)!.reports.length === 0) {
      throw new RangeError(`trainers: trial ${number} must report ${metric}, got no report; call report once at least`);
    }
    const status = hadAll ? 'complete' : outcome.status;
    await record({ event: 'end', trial: number, ...outcome, status, seconds: seconds() });
  } catch (cause) {
    if (cause instanceof JournalError) throw cause;
    const error = cause instanceof Error ? cause.message : String(cause);
    const cost = cause instanceof TrialFailed ? { cpuSeconds: cause.cpuSeconds } : {};
    await record({ event: 'end', trial: number, status: 'failed', error, ...cost, seconds: seconds() });
  }
  const ended = records.get(number)!;
  await tracked.end(ended.status as Exclude<TrialRecord['status'], 'running'>);
  return ended;
}

function describe(trial: TrialRecord, { metric, mode }: StudyOptions): string {
  const { number, status, score, resource, error, seconds = 0, peakBytes } = rate(trial, metric, mode);
  const memory = peakBytes === undefined ? '' : `, ${Math.round(peakBytes / 2 ** 20)} MiB`;
  const took = `${seconds < 10 ? `${seconds.toFixed(1)}s` : duration(seconds)}${memory}`;
  return `trial ${number} ${status}: ${error ?? `${metric} ${score.toPrecision(4)} at ${resource}`}; ${took}`;
}

/** @param secondsEach  of the trials that have ended, however many ran at a time */
function describeProgress(records: Iterable<TrialRecord>, limit: number, secondsEach: number): string {
  const numDone = [...records].filter(({ status }) => status !== 'running').length;
  if (limit === Infinity) return `${numDone} done`;
  const left = limit - numDone;
  return `${numDone} of ${limit} done${left > 0 ? `, about ${duration(left * secondsEach)} left` : ''}`;
}

function trialLimit({ trials, sampler }: StudyOptions): number {
  if (trials === undefined && sampler.name === 'grid') return Infinity;
  if (Number.isSafeInteger(trials) && trials! > 0) return trials!;
  throw new RangeError(`trainers: trials must be an integer of at least 1, got ${trials}; only a grid ends by itself`);
}
