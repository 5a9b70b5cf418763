/** How far a trial has come, and how good it is there. */
export interface Progress {
  /** Number of the trial. */
  trial: number;
  /** What the trial has been given: epochs, steps, validations ... */
  resource: number;
  /** Greater is better. */
  score: number;
}

/** What becomes of a trial: it goes on, is stopped early, or has had all that trials get. */
export type Verdict = 'continue' | 'stop' | 'complete';

/** Says after each report whether the trial is worth going on with, as a function of its arguments alone. No scheduler is FIFO. */
export interface Scheduler {
  readonly name: string;
  /**
   * @param reports  all of the study's before this one, in order of arrival
   * @param latest   the one to decide on
   */
  decide(reports: readonly Progress[], latest: Progress): Verdict;
}

/**
 * The resources at which ASHA compares trials: grace, and from each on `factor` times as much, up to max.
 * `rungs({ grace: 20, factor: 3, max: 500 })` is 20, 60, 180.
 */
export function rungs({ grace, factor, max }: AshaOptions): number[] {
  const resources: number[] = [];
  for (let resource = grace; resource <= max; resource *= factor) resources.push(resource);
  return resources;
}

export interface AshaOptions {
  /** No trial is stopped before. */
  grace: number;
  /** One trial in so many goes on from a rung. */
  factor: number;
  /** Where every trial ends. */
  max: number;
}

/**
 * Asynchronous successive halving: a trial that reaches a rung goes on if it is among the best 1 / factor of those that were there
 * before. Li et al. 2020, "A system for massively parallel hyperparameter tuning", algorithm 2, in the variant of Ray Tune that
 * stops trials in place of pausing them: the bound is the (1 - 1 / factor) quantile, and the first to come goes on.
 *
 * @throws RangeError when an option makes no sense
 */
export function asha(options: AshaOptions): Scheduler {
  const { grace, factor, max } = options;
  if (!(grace > 0 && max >= grace)) {
    throw new RangeError(`trainers: asha must have 0 < grace <= max, got grace ${grace} and max ${max}; correct them`);
  }
  if (!(factor > 1)) throw new RangeError(`trainers: asha factor must be above 1, got ${factor}; 3 is usual`);
  const resources = rungs(options);
  const rungOf = (resource: number) => resources.findLastIndex((rung) => rung <= resource);

  return {
    name: 'asha',
    decide(reports, latest) {
      if (latest.resource >= max) return 'complete';
      const rung = rungOf(latest.resource);
      if (rung < 0) return 'continue';
      const arrivals = new Map<number, number>(); // scores that trials reached this rung with
      for (const { trial, resource, score } of reports) {
        if (rungOf(resource) === rung && !arrivals.has(trial)) arrivals.set(trial, score);
      }
      if (arrivals.has(latest.trial) || arrivals.size === 0) return 'continue';
      return latest.score < quantile([...arrivals.values()], 1 - 1 / factor) ? 'stop' : 'continue';
    },
  };
}

export interface PlateauOptions {
  /** Reports in a row without a new best. */
  patience: number;
  /** How much better a new best has to be. */
  minDelta?: number;
  /** No trial is stopped before. */
  grace?: number;
}

/** Stops a trial whose last `patience` reports brought nothing better by more than `minDelta`, whatever other trials do. */
export function stopOnPlateau({ patience, minDelta = 0, grace = 0 }: PlateauOptions): Scheduler {
  if (!(Number.isInteger(patience) && patience > 0)) {
    throw new RangeError(
      `trainers: patience must be an integer of at least 1, got ${patience}; leave the scheduler out`,
    );
  }
  return {
    name: 'plateau',
    decide(reports, latest) {
      if (latest.resource < grace) return 'continue';
      let [best, since] = [-Infinity, 0];
      for (const { trial, score } of [...reports, latest]) {
        if (trial !== latest.trial) continue;
        since++;
        if (score > best + minDelta || best === -Infinity) [best, since] = [score, 0];
      }
      return since >= patience ? 'stop' : 'continue';
    },
  };
}

/** Between the two nearest values in proportion, as NumPy does by default. */
function quantile(values: number[], share: number): number {
  const sorted = values.sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = sorted[Math.min(below + 1, sorted.length - 1)];
  return sorted[below] + (place - below) * (above - sorted[below]);
}
