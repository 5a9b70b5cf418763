import { open } from 'node:fs/promises';

/** What one read may ask for. */
const chunkBytes = 1 << 30;

/**
 * A whole file as bytes of a buffer of their own, up to the 4 GiB that a Uint8Array holds (`readFile` ends at 2).
 *
 * @throws RangeError naming the file when it cannot be read
 */
export async function readWholeFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const file = await open(path);
    try {
      const bytes = new Uint8Array((await file.stat()).size);
      for (let at = 0; at < bytes.length; ) {
        const { bytesRead } = await file.read(bytes, at, Math.min(bytes.length - at, chunkBytes), at);
        if (bytesRead === 0) throw new Error(`its end after ${at} of ${bytes.length} bytes`);
        at += bytesRead;
      }
      return bytes;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new RangeError(
      `data: ${path} must be a readable file of at most 4 GiB, got ${(cause as Error).message}; check the path, or store half floats`,
      { cause },
    );
  }
}
