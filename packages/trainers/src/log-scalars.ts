import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomically } from '@codebeam/data';
import type { Params } from '@codebeam/nn';
import type { EventFile } from './event-file.js';
import type { Callback, FitState } from './fit.js';

/**
 * Logs each n-th step and each validation to TensorBoard (`train/*`, `validation/*`) and, a line of JSON each, to a file:
 * `{ step, epoch, loss, learningRate, gradientNorm, ...metrics }` and `{ step, epoch, validation: { ... } }`. A resumed
 * run first drops the lines that it will write again. It comes after `validate` and before `keepCheckpoints`.
 */
export function logScalars<P extends Params>(options: {
  events: EventFile;
  /** Usually metrics.jsonl. */
  file: string;
  every?: number;
}): Callback<P> {
  const { events, file, every = 1 } = options;
  let validated = 0;
  return async (event) => {
    const { kind, state } = event;
    if (kind === 'start') {
      events.start(state.step + 1);
      validated = state.validations.length;
      return dropLinesAfter(file, state);
    }
    const lines: object[] = [];
    if (kind === 'step' && state.step % every === 0) {
      const { loss, learningRate, gradientNorm, metrics } = event;
      const scalars = { loss, learningRate, gradientNorm, ...metrics };
      for (const [name, value] of Object.entries(scalars)) events.scalar(`train/${name}`, value, state.step);
      lines.push({ step: state.step, epoch: state.epoch, ...scalars });
    }
    for (const { step, epoch, metrics } of state.validations.slice(validated)) {
      for (const [name, value] of Object.entries(metrics)) events.scalar(`validation/${name}`, value, step);
      lines.push({ step, epoch, validation: metrics });
    }
    validated = state.validations.length;
    if (lines.length === 0) return;
    await mkdir(dirname(file), { recursive: true });
    await appendFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await events.flush();
  };
}

/** Keeps the lines of what the state knows: a killed run may have logged more than its last checkpoint holds. */
async function dropLinesAfter<P extends Params>(file: string, { step, validations }: FitState<P>): Promise<void> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const isKnown = (line: string) => {
    try {
      const entry: { step: number; validation?: object } = JSON.parse(line);
      return entry.validation ? validations.some((known) => known.step === entry.step) : entry.step <= step;
    } catch {
      return false; // cut short by the kill
    }
  };
  const kept = text.split('\n').filter(isKnown);
  if (text !== '') await writeFileAtomically(file, kept.map((line) => `${line}\n`).join(''));
}
