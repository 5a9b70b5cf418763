import { gunzipSync } from 'node:zlib';
import { float16ToFloat32 } from './float16.js';
import { readWholeFile } from './read-file.js';
import { viewAs } from './safetensors.js';

/** An array of a .npy file, row major. Half floats come widened to float32. */
export interface NpyArray {
  shape: number[];
  data: Float32Array | Float64Array | Int32Array;
}

/**
 * Reads a .npy file, gzipped when its name ends in `.gz`: little-endian f2, f4, f8 or i4 in C order, format versions 1
 * to 3, up to 4 GiB. NumPy enhancement proposal 1, "A simple file format for NumPy arrays".
 *
 * @throws RangeError naming the file when it cannot be read, is cut short, or holds another dtype or Fortran order
 */
export async function readNpy(path: string): Promise<NpyArray> {
  const bytes = await readWholeFile(path);
  if (!path.endsWith('.gz')) return decodeNpy(bytes, path);
  let plain: Uint8Array;
  try {
    plain = gunzipSync(bytes);
  } catch (cause) {
    throw new RangeError(`data: ${path} must be a whole gzip file, got ${(cause as Error).message}`, { cause });
  }
  return decodeNpy(plain, path);
}

function decodeNpy(bytes: Uint8Array, path: string): NpyArray {
  const fail = (expectation: string, got: unknown, remedy: string) =>
    new RangeError(`data: ${path} must ${expectation}, got ${got}; ${remedy}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = String.fromCharCode(...bytes.subarray(1, 6));
  if (bytes.length < 12 || bytes[0] !== 0x93 || magic !== 'NUMPY' || bytes[6] < 1 || bytes[6] > 3) {
    throw fail('be a .npy file of version 1 to 3', 'other bytes', 'write it with numpy.save');
  }
  const headerStart = bytes[6] === 1 ? 10 : 12;
  const start = headerStart + (bytes[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  const header = new TextDecoder().decode(bytes.subarray(headerStart, start));
  const dtype = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/
    .exec(header)?.[1]
    .split(',')
    .filter((length) => length.trim())
    .map(Number);
  if (!shape?.every(Number.isSafeInteger)) throw fail('have a shape in its header', header.trim(), 'write it anew');
  if (order !== 'False') throw fail('be in C order', 'Fortran order', 'save numpy.ascontiguousarray(array)');
  const size = shape.reduce((product, length) => product * length, 1);

  const values = (elementBytes: number) => {
    const length = bytes.length - start;
    if (length !== size * elementBytes) {
      throw fail(`hold ${size * elementBytes} bytes for shape [${shape}]`, length, 'it is cut short or damaged');
    }
    return bytes.subarray(start);
  };
  switch (dtype) {
    case '<f2':
      return { shape, data: float16ToFloat32(viewAs(Uint16Array, values(2))) };
    case '<f4':
      return { shape, data: viewAs(Float32Array, values(4)) };
    case '<f8':
      return { shape, data: viewAs(Float64Array, values(8)) };
    case '<i4':
      return { shape, data: viewAs(Int32Array, values(4)) };
    default:
      throw fail('have dtype <f2, <f4, <f8 or <i4', dtype, "save array.astype('<f4')");
  }
}
