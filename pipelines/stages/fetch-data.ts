import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile, writeFileAtomically } from '@codebeam/data';
import { findSource, isMadeUp, layoutFiles, makeSource, type RawSource } from '../raw-source.js';
import type { StageContext } from '../stage.js';

/** What source.json says: where data come from and what they are, so that later stages follow their content. */
export interface SourceRecord {
  source: RawSource['source'];
  files: { name: string; bytes: number; sha256: string }[];
}

/** Finds, downloads or makes up the raw files, and writes down what they are. */
export async function fetchData(context: StageContext<'fetch-data'>): Promise<Record<string, number>> {
  const { log, output } = context;
  // What is made up is always written anew: that is quick, and a file left by another size of shop would be taken for it.
  const found = isMadeUp(context.config) ? undefined : await findSource(context);
  const { source, folder, layout } = found ?? (await makeSource(context, log));
  const files: SourceRecord['files'] = [];
  for (const name of layoutFiles(layout)) {
    const path = join(folder, name);
    files.push({ name, bytes: (await stat(path)).size, sha256: await hashFile(path) });
  }
  log(`raw data: ${source}, ${files.map(({ name }) => name).join(' and ')} in ${folder}`);
  const record: SourceRecord = { source, files };
  await writeFileAtomically(output('source.json'), `${JSON.stringify(record, null, 2)}\n`);
  return { files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
}
