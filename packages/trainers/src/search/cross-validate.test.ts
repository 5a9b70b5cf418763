import { expect, it } from 'vitest';
import { type CrossValidationOptions, chooseIteration, crossValidate, type Report } from './index.js';

const trial = { number: 0, values: {}, seed: 1, folder: 'trials/0' };
const options: CrossValidationOptions = { folds: 3, metric: 'ndcg', mode: 'max', choose: 'median' };

it('reports the mean of the best reports, and the iteration for a refit', async () => {
  const courses = [
    [0.1, 0.4, 0.3], // best at 2
    [0.2, 0.3, 0.8], // best at 3
    [0.6, 0.1, 0.1], // best at 1
  ];
  const folders: string[] = [];
  const objective = crossValidate(async ({ folder }, fold, report) => {
    folders.push(folder);
    for (const [i, ndcg] of courses[fold].entries()) await report({ resource: i + 1, metrics: { ndcg, fold } });
  }, options);
  const reports: Report[] = [];
  await objective(trial, async (report) => void reports.push(report));
  expect(reports).toHaveLength(1);
  expect(reports[0].resource).toBe(2);
  expect(reports[0].metrics.ndcg).toBeCloseTo((0.4 + 0.8 + 0.6) / 3, 12);
  expect(reports[0].metrics.fold).toBe(1);
  expect(folders).toEqual(['trials/0/fold-0', 'trials/0/fold-1', 'trials/0/fold-2']);
});

it('takes a measured value over none, and means of metrics that every fold has', async () => {
  const courses = [[Number.NaN, 0.4], [0.2], [0.6]];
  const objective = crossValidate(async (_, fold, report) => {
    for (const [i, ndcg] of courses[fold].entries()) {
      await report({ resource: i + 1, metrics: { ndcg, ...(fold < 2 && { auc: 0.5 }) } });
    }
  }, options);
  const reports: Report[] = [];
  await objective(trial, async (report) => void reports.push(report));
  expect(reports[0].metrics).toEqual({ ndcg: expect.closeTo(0.4, 12) });
});

it('chooses by median, mean, min or max: of 10, 1, 4, 7 it is 6, 6, 1, 10', () => {
  const choose = (choice: CrossValidationOptions['choose']) => chooseIteration([10, 1, 4, 7], choice);
  expect([choose('median'), choose('mean'), choose('min'), choose('max')]).toEqual([6, 6, 1, 10]);
});

it('refuses a single fold, and folds that report nothing', async () => {
  expect(() => crossValidate(async () => {}, { ...options, folds: 1 })).toThrow(
    'folds must be an integer of at least 2',
  );
  await expect(crossValidate(async () => {}, options)(trial, async () => {})).rejects.toThrow(
    'fold 0 must report ndcg',
  );
});
