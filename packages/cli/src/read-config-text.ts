import { readFile } from 'node:fs/promises';

/** @throws RangeError when the file that --config names cannot be read */
export async function readConfigText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: Error) => {
    throw new RangeError(`cli: --config must be a readable file, got ${cause.message}; check the path`, { cause });
  });
}
