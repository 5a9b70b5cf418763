import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Column, writeFileAtomically, writeParquet } from '@codebeam/data';
import type { PageFrame } from '@codebeam/eval';
import type { Simulation } from './create-simulation.js';
import type { Measured } from './measurement.js';
import { renderPopulations } from './render-populations.js';

/**
 * Writes what a simulation was into a folder: `measurements.parquet` (a row for each step, the first before any), `interactions.parquet`
 * (timestep, user, item), `state/<name>.parquet` (timestep, row, values) of what was recorded, and `populations.html`.
 *
 * @returns paths of the files
 */
export async function writePopulations(folder: string, simulation: Simulation, frame: PageFrame): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const { step, measurements, interactions, states } = simulation;
  const written: string[] = [];
  const write = async (name: string, columns: Record<string, Column>) => {
    written.push(join(folder, name));
    await writeParquet(join(folder, name), columns);
  };

  const timestep: Column = { type: 'int32', values: Int32Array.from({ length: step + 1 }, (_, at) => at) };
  const columns = Object.entries(measurements).map(([name, values]) => [name, columnOf(values, step + 1)] as const);
  await write('measurements.parquet', { timestep, ...Object.fromEntries(columns) });

  const rows = interactions.reduce((sum, { length }) => sum + length, 0);
  const [steps, users, items] = [new Int32Array(rows), new Int32Array(rows), new Int32Array(rows)];
  let row = 0;
  for (const [at, chosen] of interactions.entries()) {
    steps.fill(at + 1, row, row + chosen.length);
    items.set(chosen, row);
    for (let user = 0; user < chosen.length; user++) users[row++] = user;
  }
  await write('interactions.parquet', {
    timestep: { type: 'int32', values: steps },
    user: { type: 'int32', values: users },
    item: { type: 'int32', values: items },
  });

  if (Object.keys(states).length > 0) await mkdir(join(folder, 'state'), { recursive: true });
  for (const [name, history] of Object.entries(states)) {
    const timesteps = history.flatMap(({ rows }, at) => new Array<number>(rows).fill(at));
    const numbers = history.flatMap(({ rows }) => Array.from({ length: rows }, (_, own) => own));
    const values = history.flatMap(({ rows, width, values }) =>
      Array.from({ length: rows }, (_, own) => values.subarray(own * width, (own + 1) * width)),
    );
    await write(join('state', `${name}.parquet`), {
      timestep: { type: 'int32', values: Int32Array.from(timesteps) },
      row: { type: 'int32', values: Int32Array.from(numbers) },
      values: { type: 'list<double>', values },
    });
  }

  const page = join(folder, 'populations.html');
  await writeFileAtomically(page, new TextEncoder().encode(await renderPopulations(simulation, frame)));
  return [...written, page];
}

/** Of measurements that began later, the first rows are empty. */
function columnOf(values: readonly Measured[], rows: number): Column {
  const padded = [...new Array<null>(Math.max(0, rows - values.length)).fill(null), ...values];
  const isList = values.some((value) => typeof value === 'object' && value !== null);
  return isList
    ? { type: 'list<double>', values: padded.map((value) => (typeof value === 'object' ? (value ?? []) : [value])) }
    : { type: 'double', values: padded.map((value) => (typeof value === 'number' ? value : null)) };
}
