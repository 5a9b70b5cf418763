import { join } from 'node:path';
import type { Objective, Report, Trial } from './launcher.js';

/** How the best iterations of the folds become the one that a refit is given. */
export type FoldChoice = 'median' | 'mean' | 'min' | 'max';

export interface CrossValidationOptions {
  /** k */
  folds: number;
  /** Which metric tells a fold's best report. */
  metric: string;
  mode: 'min' | 'max';
  choose: FoldChoice;
}

/**
 * An objective that trains and measures a trial on each of k folds, and reports once: the means of the folds' best reports, and as the
 * resource what a refit on all data should be given: the median, mean, least or greatest of the folds' best iterations.
 *
 * Each fold runs to its end, for there is nothing to compare it with: schedulers that stop trials early have no say.
 *
 * @param fold  trains on all folds but the given one and measures on that; its trial has a folder of its own
 */
export function crossValidate(
  fold: (trial: Trial, fold: number, report: (report: Report) => Promise<void>) => Promise<void>,
  { folds, metric, mode, choose }: CrossValidationOptions,
): Objective {
  if (!Number.isSafeInteger(folds) || folds < 2) {
    throw new RangeError(
      `trainers: folds must be an integer of at least 2, got ${folds}; search without folds for one split`,
    );
  }
  return async (trial, report) => {
    const best: Report[] = [];
    for (let number = 0; number < folds; number++) {
      await fold({ ...trial, folder: join(trial.folder, `fold-${number}`) }, number, async (latest) => {
        if (best[number] === undefined || isBetter(latest, best[number])) best[number] = latest;
      });
      if (best[number] === undefined) {
        throw new RangeError(
          `trainers: fold ${number} must report ${metric}, got no report; call report once at least`,
        );
      }
    }
    await report({
      resource: chooseIteration(
        best.map(({ resource }) => resource),
        choose,
      ),
      metrics: meansOf(best),
    });
  };

  function isBetter(a: Report, b: Report): boolean {
    const [own, other] = [a.metrics[metric], b.metrics[metric]];
    if (!Number.isFinite(other)) return true; // any measured value is better than none
    return mode === 'max' ? own > other : own < other;
  }
}

/** A whole number of iterations, at least 1; halves are rounded up. */
export function chooseIteration(iterations: readonly number[], choose: FoldChoice): number {
  const sorted = iterations.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const chosen = {
    median: (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2,
    mean: sum(sorted) / sorted.length,
    min: sorted[0],
    max: sorted[sorted.length - 1],
  }[choose];
  return Math.max(1, Math.round(chosen));
}

/** Of metrics that every fold has: where one has nothing to measure, there is no mean over all. */
function meansOf(reports: readonly Report[]): Record<string, number> {
  const names = Object.keys(reports[0].metrics).filter((name) => reports.every(({ metrics }) => name in metrics));
  return Object.fromEntries(
    names.map((name) => [name, sum(reports.map(({ metrics }) => metrics[name])) / reports.length]),
  );
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
