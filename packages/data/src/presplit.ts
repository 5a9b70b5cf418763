import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { collectInteractions, numberById, type RawInteraction, selectRows } from './interactions.js';
import type { Unseen } from './split-schema.js';
import { assembleSplit, type InteractionSplit } from './splits.js';

/** One thing for each part of data that were split by others. */
export interface Presplit<T> {
  train: T;
  validation?: T;
  test: T;
}

/**
 * Gathers parts that come from separate files into one split with shared dense ids. Equal ids are the same user and the
 * same item in every part.
 *
 * @example
 * const { train, validation, test } = await findPresplit(folder);
 * const split = await collectSplit({ train: readSessionLines(train), test: readSessionLines(test) });
 *
 * @param unseen     as in `splitSchema`
 * @param numbering  who and what is number 0: as the files go, or by id (numbers by size). Equal scores rank the lower number
 * @throws Error when train or test have no rows
 */
export async function collectSplit(
  { train, validation, test }: Presplit<AsyncIterable<RawInteraction>>,
  unseen: Unseen = 'keep',
  numbering: 'appearance' | 'id' = 'appearance',
): Promise<InteractionSplit> {
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
  const collected = await collectInteractions(allRows());
  const whole = numbering === 'id' ? numberById(collected) : collected;
  const rowsOfParts = ends.map((end, part) => {
    const start = ends[part - 1] ?? 0;
    return selectRows(
      whole,
      Int32Array.from({ length: end - start }, (_, i) => start + i),
    );
  });
  return assembleSplit(whole, { type: 'of given files', unseen }, rowsOfParts);
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
