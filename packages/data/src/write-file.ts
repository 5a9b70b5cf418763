import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Writes a whole file or nothing: the bytes go to a temporary name beside it, reach the disk (fsync) and are renamed.
 * Folders on the way are made. When anything fails, a full disk too, the temporary file is removed and what stood at
 * `path` stays.
 *
 * @param content  bytes, a UTF-8 string, or byte chunks that are written as they come
 * @throws Error naming the path, with the cause attached
 */
export async function writeFileAtomically(
  path: string,
  content: Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    await mkdir(folder, { recursive: true });
    const file = await open(temporary, 'wx');
    try {
      if (typeof content === 'string' || content instanceof Uint8Array) await file.writeFile(content);
      else for await (const chunk of content) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {}); // Its folder may be what is missing.
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`data: ${path} must be writable, got ${reason}; nothing was written there`, { cause });
  }
  await syncFolder(folder);
}

/** Makes the rename itself durable, where the platform can open a folder (Windows cannot). */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
