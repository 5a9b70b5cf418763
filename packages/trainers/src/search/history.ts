import { join } from 'node:path';
import { type Column, writeFileAtomically, writeParquet } from '@codebeam/data';
import { renderStudy } from './render-study.js';
import type { OptionValue } from './search-space.js';
import type { RatedTrial, Study } from './study.js';

/** Writes what a study knows: `trials.parquet`, a row for each trial, and `study.html`, a page with plots. */
export async function writeHistory(folder: string, study: Study): Promise<void> {
  await writeParquet(join(folder, 'trials.parquet'), historyColumns(study));
  await writeFileAtomically(join(folder, 'study.html'), renderStudy(study));
}

/**
 * Columns of the history: what became of each trial; its best report (`score`, `resource`, `metrics.*`); the course of the metric
 * (lists); and its options (`values.*`).
 */
export function historyColumns({ trials, metric, space }: Study): Record<string, Column> {
  const doubles = (read: (trial: RatedTrial) => number | undefined): Column => ({
    type: 'double',
    values: trials.map((trial) => read(trial) ?? null),
  });
  const lists = (read: (trial: RatedTrial) => number[]): Column => ({ type: 'list<double>', values: trials.map(read) });
  const columns: Record<string, Column> = {
    trial: { type: 'int32', values: Int32Array.from(trials, ({ number }) => number) },
    status: { type: 'string', values: trials.map(({ status }) => status) },
    score: doubles(({ score }) => score),
    resource: doubles(({ resource }) => resource),
    'reports.resource': lists(({ reports }) => reports.map(({ resource }) => resource)),
    'reports.score': lists(({ reports }) => reports.map(({ metrics }) => metrics[metric])),
    started: { type: 'timestamp', values: Float64Array.from(trials, ({ started }) => started) },
    seconds: doubles(({ seconds }) => seconds),
    cpuSeconds: doubles(({ cpuSeconds }) => cpuSeconds),
    peakBytes: doubles(({ peakBytes }) => peakBytes),
    error: { type: 'string', values: trials.map(({ error }) => error) },
  };
  const bestReports = trials.map(({ reports, resource }) => reports.find((report) => report.resource === resource));
  for (const name of new Set(bestReports.flatMap((report) => Object.keys(report?.metrics ?? {})))) {
    columns[`metrics.${name}`] = { type: 'double', values: bestReports.map((report) => report?.metrics[name]) };
  }
  for (const key of Object.keys(space))
    columns[`values.${key}`] = optionColumn(trials.map(({ values }) => values[key]));
  return columns;
}

/** Numbers as numbers, all else as text: words as they are, lists as JSON. */
function optionColumn(values: readonly OptionValue[]): Column {
  if (values.every((value) => typeof value === 'number')) return { type: 'double', values };
  return { type: 'string', values: values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))) };
}
