import { readFile } from 'node:fs/promises';
import { writeFileAtomically } from '@codebeam/data';

/** A line of metrics.jsonl: numbers of a training step, or of a validation. */
export type MetricsLine = { step: number; epoch: number } & (
  | { validation: Record<string, number> }
  | { validation?: undefined; [metric: string]: number | undefined }
);

const maxPoints = 500;

/**
 * Copies the metrics of a training run, thinned to what a chart can show: means over up to 500 spans of steps, and every
 * validation. A run that was killed and resumed gives the same bytes as one that was not.
 */
export async function writeTrainingMetrics(from: string, to: string): Promise<void> {
  const lines = await readTrainingMetrics(from);
  const steps = lines.filter((line) => line.validation === undefined);
  const width = Math.max(1, Math.ceil(steps.length / maxPoints));
  const spans = Array.from({ length: Math.ceil(steps.length / width) }, (_, i) =>
    meanOf(steps.slice(i * width, (i + 1) * width)),
  );
  const thinned = [...spans, ...lines.filter((line) => line.validation !== undefined)];
  await writeFileAtomically(to, thinned.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** Lines of a file of metrics; none where there is no file, as after a tokenizer that needs no training. */
export async function readTrainingMetrics(path: string): Promise<MetricsLine[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** Means of every number, under the step and epoch of the last line. */
function meanOf(lines: readonly MetricsLine[]): MetricsLine {
  const last = lines.at(-1)!;
  const names = Object.keys(last).filter((name) => name !== 'step' && name !== 'epoch');
  const sum = (name: string) => lines.reduce((total, line) => total + ((line as Record<string, number>)[name] ?? 0), 0);
  const means = Object.fromEntries(names.map((name) => [name, Number((sum(name) / lines.length).toPrecision(7))]));
  return { step: last.step, epoch: last.epoch, ...means };
}
