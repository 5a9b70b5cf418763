import type { Hyperparameters } from './search-space.js';

/** What is to be tried. */
export interface Trial {
  /** From 0. */
  number: number;
  values: Hyperparameters;
  /** The study's: trials differ in their values, not in their luck. */
  seed: number;
  /** The trial's own folder, for checkpoints to go on from after a kill, and logs. */
  folder: string;
}

/** What a trial measured. */
export interface Report {
  /** What the trial has been given so far: epochs, steps, validations ... A model that has none of them reports 1, once. */
  resource: number;
  metrics: Readonly<Record<string, number>>;
}

/**
 * Trains and measures one trial, reporting as it goes. `report` throws {@link TrialStopped} when the trial is not worth going on
 * with; let it pass.
 */
export type Objective = (trial: Trial, report: (report: Report) => Promise<void>) => Promise<void>;

export class TrialStopped extends Error {
  override name = 'TrialStopped';
}

/** A trial that threw, and what it had taken by then. */
export class TrialFailed extends Error {
  override name = 'TrialFailed';
  readonly cpuSeconds: number;
  constructor(message: string, cpuSeconds: number) {
    super(message);
    this.cpuSeconds = cpuSeconds;
  }
}

/** What a launcher is told after each report. */
export type Decision = 'continue' | 'stop';

/** How a trial ended; a trial that fails rejects. */
export interface Outcome {
  status: 'complete' | 'stopped';
  /** CPU time that was measured, of all cores together. */
  cpuSeconds?: number;
  /** The most memory that the trial's process has held so far, with all else that it did. */
  peakBytes?: number;
}

/** Where trials run: in this process, in workers on this machine, or behind a queue. */
export interface Launcher {
  /** Trials that run at a time. */
  readonly concurrency: number;
  /**
   * @param onReport  hears of each report, and decides about the trial
   * @returns how it ended; rejects when the trial throws or dies
   */
  launch(trial: Trial, onReport: (report: Report) => Promise<Decision>): Promise<Outcome>;
  /** Frees what the launcher holds; called by whoever made it. */
  close(): Promise<void>;
}

/** Runs trials in this process, one at a time unless told otherwise. What computes without a pause shares one core. */
export function localLauncher(objective: Objective, { concurrency = 1 }: { concurrency?: number } = {}): Launcher {
  return {
    concurrency,
    async launch(trial, onReport) {
      const before = process.cpuUsage();
      const status = await runObjective(objective, trial, onReport);
      const { user, system } = process.cpuUsage(before);
      // Trials that run side by side cannot be told apart.
      const peakBytes = process.resourceUsage().maxRSS * 1024;
      return { status, peakBytes, ...(concurrency === 1 && { cpuSeconds: (user + system) / 1e6 }) };
    },
    async close() {},
  };
}

/** Runs an objective until it ends or is stopped. */
export async function runObjective(
  objective: Objective,
  trial: Trial,
  decide: (report: Report) => Promise<Decision>,
): Promise<Outcome['status']> {
  try {
    await objective(trial, async (report) => {
      if ((await decide(report)) === 'stop') throw new TrialStopped(`trial ${trial.number} was stopped`);
    });
    return 'complete';
  } catch (error) {
    if (error instanceof TrialStopped) return 'stopped';
    throw error;
  }
}
