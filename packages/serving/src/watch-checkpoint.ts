import { stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Files that say which checkpoint a folder holds: of a run with a TIGER, of its stage, of a saved recommender. */
const files = [
  'train-tiger/manifest.json',
  'train-tiger/model.safetensors',
  'assign-semantic-ids/semantic-ids.parquet',
  '../assign-semantic-ids/semantic-ids.parquet',
  'manifest.json',
  'config.json',
  'model.safetensors',
];

/** What changes when a checkpoint is replaced; the files need not be read for it. */
async function fingerprintOf(folder: string): Promise<string> {
  const stats = files.map((file) =>
    stat(join(folder, file)).then(
      ({ ino, size, mtimeMs }) => [ino, size, mtimeMs].join(),
      () => '',
    ),
  );
  return (await Promise.all(stats)).join(' ');
}

/**
 * Looks again and again whether the checkpoint of a folder is another one. A change counts when it has lasted from one look to the
 * next: a training that is still writing is waited for.
 *
 * @param folder  asked at each look; undefined where there is nothing to watch
 * @returns ends it
 */
export function watchCheckpoint(
  folder: () => string | undefined,
  seconds: number,
  onChange: () => Promise<void>,
): () => void {
  let known: { folder: string; fingerprint: string } | undefined;
  let seen: string | undefined;
  let isBusy = false;

  async function look(): Promise<void> {
    const watched = folder();
    if (watched === undefined || isBusy) return;
    isBusy = true;
    try {
      const fingerprint = await fingerprintOf(watched);
      if (known?.folder !== watched) known = { folder: watched, fingerprint };
      else if (fingerprint !== known.fingerprint && fingerprint === seen) {
        known = { folder: watched, fingerprint };
        await onChange();
      }
      seen = fingerprint;
    } finally {
      isBusy = false;
    }
  }

  void look();
  const timer = setInterval(look, seconds * 1000);
  return () => clearInterval(timer);
}
