import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { writeFileAtomically } from './write-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'write-file-'));
});

describe('writeFileAtomically', () => {
  it('writes text, bytes and chunks, and makes the folders on the way', async () => {
    const path = join(folder, 'a', 'b', 'file.txt');
    await writeFileAtomically(path, 'täxt');
    expect(await readFile(path, 'utf8')).toBe('täxt');
    await writeFileAtomically(path, Uint8Array.of(104, 105));
    expect(await readFile(path, 'utf8')).toBe('hi');
    await writeFileAtomically(path, [Uint8Array.of(104), Uint8Array.of(111)]);
    expect(await readFile(path, 'utf8')).toBe('ho');
    expect(await readdir(join(folder, 'a', 'b'))).toEqual(['file.txt']);
  });

  it('keeps the old file and removes the temporary one when the disk fills up half way', async () => {
    const path = join(folder, 'file.bin');
    await writeFile(path, 'old');
    async function* chunks() {
      yield new Uint8Array(1 << 16);
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    }
    await expect(writeFileAtomically(path, chunks())).rejects.toThrow(
      `data: ${path} must be writable, got ENOSPC: no space left on device, write; nothing was written there`,
    );
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['file.bin']);
  });

  it('names the path when a folder on the way is a file', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(writeFileAtomically(join(folder, 'file', 'x'), '')).rejects.toThrow(
      /^data: .*x must be writable, got E/,
    );
  });
});
