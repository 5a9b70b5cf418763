import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { alignItems, type Item, readItems } from '@codebeam/data';

/**
 * What a run's stage prepare-data says of a checkpoint's items, by dense id: titles, categories and the like. Items are found by their
 * ids; those of which nothing is known have their id alone.
 *
 * @param checkpoint  the run, a stage of it, or a folder in a stage
 */
export async function findItems(checkpoint: string, itemIds: readonly string[]): Promise<Item[]> {
  const folder = resolve(checkpoint);
  for (const run of [folder, join(folder, '..'), join(folder, '..', '..')]) {
    const table = join(run, 'prepare-data', 'items.parquet');
    if (await exists(table)) return alignItems(await readItems(table), itemIds);
  }
  return itemIds.map((id) => ({ id }));
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
