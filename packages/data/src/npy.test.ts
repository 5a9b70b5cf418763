import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { readNpy } from './npy.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'npy-'));
});

function npy(
  descr: string,
  shape: string,
  data: ArrayBufferView<ArrayBuffer>,
  { version = 1, order = 'False' } = {},
): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;
  const start = version === 1 ? 10 : 12;
  const text = `${header.padEnd(128 - start - 1)}\n`;
  const length = version === 1 ? [text.length, 0] : [text.length, 0, 0, 0];
  const values = new Uint8Array(data.buffer);
  return Uint8Array.from([0x93, ...Buffer.from('NUMPY'), version, 0, ...length, ...Buffer.from(text), ...values]);
}

async function read(bytes: Uint8Array, name = 'vectors.npy') {
  await writeFile(join(folder, name), bytes);
  return readNpy(join(folder, name));
}

describe('readNpy', () => {
  it.each([
    ['<f4', Float32Array.of(0.5, -2)],
    ['<f8', Float64Array.of(0.1, 1e300)],
    ['<i4', Int32Array.of(7, -8)],
  ])('reads %s', async (descr, data) => {
    expect(await read(npy(descr, '(2,)', data))).toEqual({ shape: [2], data });
  });

  it('widens half floats without loss', async () => {
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x3800, 0x7bff, 0x0001, 0x7c00, 0xfc00, 0x7e00, 0x8000, 0x2e66);
    const { data } = await read(npy('<f2', '(10,)', bits));
    const [, , , , , , , , negativeZero] = data;
    expect(Array.from(data)).toEqual([1, -2, 0.5, 65504, 2 ** -24, Infinity, -Infinity, NaN, -0, 0.0999755859375]);
    expect(Object.is(negativeZero, -0)).toBe(true);
  });

  it('reads rows and columns, versions 2 and 3, gzip, and empty arrays', async () => {
    const data = Float32Array.of(0, 1, 2, 3, 4, 5);
    const expected = { shape: [2, 3], data };
    expect(await read(npy('<f4', '(2, 3)', data))).toEqual(expected);
    expect(await read(npy('<f4', '(2, 3)', data, { version: 2 }))).toEqual(expected);
    expect(await read(npy('<f4', '(2, 3)', data, { version: 3 }))).toEqual(expected);
    expect(await read(gzipSync(npy('<f4', '(2, 3)', data)), 'vectors.npy.gz')).toEqual(expected);
    expect(await read(npy('<f4', '(0, 3)', new Float32Array(0)))).toEqual({ shape: [0, 3], data: new Float32Array(0) });
  });

  it.each([
    ['another format', Buffer.from('PAR1 and so on'), 'must be a .npy file of version 1 to 3'],
    [
      'another dtype',
      npy('<i8', '(1,)', BigInt64Array.of(1n)),
      "must have dtype <f2, <f4, <f8 or <i4, got <i8; save array.astype('<f4')",
    ],
    ['big-endian values', npy('>f4', '(1,)', new Float32Array(1)), 'must have dtype <f2, <f4, <f8 or <i4, got >f4'],
    [
      'Fortran order',
      npy('<f4', '(1,)', new Float32Array(1), { order: 'True' }),
      'must be in C order, got Fortran order',
    ],
    [
      'too few bytes',
      npy('<f4', '(3,)', new Float32Array(2)),
      'must hold 12 bytes for shape [3], got 8; it is cut short or damaged',
    ],
  ])('refuses %s', async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toThrow(`data: ${join(folder, 'vectors.npy')} ${message}`);
  });

  it('refuses a truncated gzip file', async () => {
    const whole = gzipSync(npy('<f4', '(2,)', new Float32Array(2)));
    await expect(read(whole.subarray(0, -12), 'cut.npy.gz')).rejects.toThrow(
      'cut.npy.gz must be a whole gzip file, got',
    );
  });

  const data = process.env.CODEBEAM_DATA;
  it.skipIf(!data)("reads NumPy's own half floats (needs CODEBEAM_DATA)", async () => {
    const { shape, data: values } = await readNpy(join(data!, 'amazon_beauty/cf_sasrec64_e4srec.npy.gz'));
    expect(shape).toEqual([12102, 64]);
    expect(values.length).toBe(12102 * 64);
    expect(values.every(Number.isFinite)).toBe(true);
  });
});
