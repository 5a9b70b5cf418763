import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { collectInteractions, type Interactions, type RawInteraction } from './interactions.js';

/** One thing for each part of data that were split by others. */
export interface Presplit<T> {
  train: T;
  validation?: T;
  test: T;
}

/**
 * Gathers parts that come from separate files into one table with shared dense ids, for `splitInteractions` with type
 * `given`. Equal ids are the same user and the same item in every part.
 *
 * @example
 * const { train, test } = await findPresplit(folder);
 * const rows = await collectPresplit({ train: readSessionLines(train), test: readSessionLines(test) });
 * const split = splitInteractions(rows, splitSchema.parse({ type: 'given' }), seed);
 *
 * @throws Error when there are no rows
 */
export async function collectPresplit({
  train,
  validation,
  test,
}: Presplit<AsyncIterable<RawInteraction>>): Promise<Interactions> {
  const ends: number[] = [];
  async function* allRows() {
    let numRows = 0;
    for (const part of [train, validation ?? [], test]) {
      for await (const row of part) {
        yield row;
        numRows++;
      }
      ends.push(numRows);
    }
  }
  const whole = await collectInteractions(allRows());
  return { ...whole, parts: Uint8Array.from(whole.users.keys(), (row) => ends.findIndex((end) => row < end)) };
}

/** WarpRec's `train.tsv`, RecBole's `ml-100k.train.inter` (benchmark_filename), `train.txt.gz` ... */
const partName = /(?:^|\.)(train|validation|valid|val|test)\.\w+(?:\.gz)?$/i;

/**
 * Finds the files of a split in a folder by their names: `train`, `validation` (or `valid`, `val`) and `test`, with a
 * data set's name before and an extension behind. Validation may be missing.
 *
 * @throws Error naming the folder's files when train or test are missing, or a part has two files
 */
export async function findPresplit(folder: string): Promise<Presplit<string>> {
  const files = (await readdir(folder)).sort();
  const found: Partial<Presplit<string>> = {};
  for (const file of files) {
    const name = partName.exec(file)?.[1].toLowerCase();
    if (name === undefined) continue;
    const part = name === 'train' || name === 'test' ? name : 'validation';
    if (found[part]) throw partsError(folder, `one file for ${part}`, files);
    found[part] = join(folder, file);
  }
  const { train, test } = found;
  if (train === undefined || test === undefined) throw partsError(folder, 'files for train and test', files);
  return { ...found, train, test };
}

function partsError(folder: string, wanted: string, files: readonly string[]): Error {
  return new Error(
    `data: ${folder} must hold ${wanted}, got ${files.join(', ') || 'no files'}; name them like train.tsv, validation.tsv and test.tsv`,
  );
}
