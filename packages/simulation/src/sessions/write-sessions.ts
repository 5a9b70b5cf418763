import { join } from 'node:path';
import { writeFileAtomically, writeParquet } from '@codebeam/data';
import type { Sessions } from '../experiments/sessionise.js';
import { treatmentColumns, writeEventLines, writeEventTable } from './event-log.js';
import { listensOf, writeListens } from './listens.js';
import { renderSessions } from './render-sessions.js';
import type { SessionsRun } from './sessions-config.js';

/**
 * Writes what came of a config: of each log `events.jsonl`, `events.parquet`, `sessions.parquet` and, when asked for, `listens.parquet`,
 * in a folder of the policy's name or, of an experiment, in the folder itself; `experiment.json`; and the page `sessions.html`.
 *
 * @returns paths of the files
 */
export async function writeSessions(
  folder: string,
  { config, seed, logs, policies, analysis }: SessionsRun,
): Promise<string[]> {
  const written: string[] = [];
  const at = (...names: string[]) => {
    const path = join(folder, ...names);
    written.push(path);
    return path;
  };
  const insideOf = (name: string) => (analysis ? [] : [encodeURIComponent(name)]);
  for (const { name, log, sessions } of logs) {
    const inside = insideOf(name);
    await writeEventLines(at(...inside, 'events.jsonl'), log);
    await writeEventTable(at(...inside, 'events.parquet'), log);
    await writeSessionTable(at(...inside, 'sessions.parquet'), sessions);
  }
  if (analysis) await writeFileAtomically(at('experiment.json'), `${JSON.stringify(analysis, null, 2)}\n`);
  const facts = { Sessions: config.episodes, Seed: seed };
  const title = analysis ? `Sessions in experiment ${analysis.experiment}` : 'Sessions by policy';
  await writeFileAtomically(at('sessions.html'), await renderSessions(policies, { title, facts, config }, analysis));
  // Last, as there may be none.
  for (const { name, log } of config.listens ? logs : []) {
    const listens = await listensOf(log, config.listens);
    await writeListens(at(...insideOf(name), 'listens.parquet'), listens);
  }
  return written;
}

/** Writes sessions as a table: a row a session, by user and time. */
export async function writeSessionTable(file: string, sessions: Sessions): Promise<void> {
  await writeParquet(file, {
    user: { type: 'int32', values: sessions.users },
    start: { type: 'timestamp', values: sessions.starts.map((milliseconds) => milliseconds / 1000) },
    tracks: { type: 'int32', values: sessions.tracks },
    time: { type: 'double', values: sessions.time },
    latency: { type: 'double', values: sessions.latency },
    ...treatmentColumns(sessions.experiments),
  });
}
