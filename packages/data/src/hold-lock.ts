import { readFile, rename, rm, writeFile } from 'node:fs/promises';

/**
 * Holds a lock until it is released or the process ends: a file that names the process. That of a process which was killed holds nothing.
 *
 * @param path     of the file, in a folder that exists
 * @param refusal  the error's message, by the number of the process that holds the lock
 * @returns        lets others in
 * @throws RangeError when another process holds it
 */
export async function holdLock(path: string, refusal: (holder: number) => string): Promise<() => Promise<void>> {
  for (let attempt = 0; ; attempt++) {
    const isOurs = await writeFile(path, String(process.pid), { flag: 'wx' }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false;
        throw error;
      },
    );
    if (isOurs) return () => rm(path, { force: true });
    const holder = await holderOf(path);
    if (isRunning(holder) || attempt > 0) throw new RangeError(refusal(holder));
    await takeAway(path, holder);
  }
}

const holderOf = async (path: string) => Number(await readFile(path, 'utf8').catch(() => ''));

/** Removes the lock of a process that was killed, and no other: of several that try, a rename lets one. */
async function takeAway(path: string, dead: number): Promise<void> {
  const aside = `${path}.${process.pid}`;
  const isTaken = await rename(path, aside).then(
    () => true,
    () => false,
  );
  if (!isTaken) return;
  if ((await holderOf(aside)) === dead) await rm(aside);
  else await rename(aside, path); // somebody was quicker, and holds it now
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1 || pid === process.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
