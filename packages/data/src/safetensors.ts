import { z } from 'zod';

/** The array that holds each dtype's elements. Half floats stay raw bits; booleans are 0 or 1. */
export interface SafetensorData {
  U64: BigUint64Array;
  I64: BigInt64Array;
  F64: Float64Array;
  F32: Float32Array;
  U32: Uint32Array;
  I32: Int32Array;
  BF16: Uint16Array;
  F16: Uint16Array;
  U16: Uint16Array;
  I16: Int16Array;
  I8: Int8Array;
  U8: Uint8Array;
  BOOL: Uint8Array;
}

export type SafetensorDtype = keyof SafetensorData;

/** One tensor: row major, `data` as long as the product of `shape` (1 for a scalar's empty shape). */
export type Safetensor = {
  [D in SafetensorDtype]: { dtype: D; shape: readonly number[]; data: SafetensorData[D] };
}[SafetensorDtype];

/** In the order of the reference writer, widest first, which keeps every tensor aligned. */
const arrayTypes = {
  U64: BigUint64Array,
  I64: BigInt64Array,
  F64: Float64Array,
  F32: Float32Array,
  U32: Uint32Array,
  I32: Int32Array,
  BF16: Uint16Array,
  F16: Uint16Array,
  U16: Uint16Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;
const dtypes = Object.keys(arrayTypes) as SafetensorDtype[];

/**
 * Encodes named tensors in the safetensors layout: the header's length (u64), a JSON header padded with spaces to a
 * multiple of 8, then the tensors' little-endian bytes. https://github.com/huggingface/safetensors, "Format".
 *
 * Tensors are stored by dtype (widest first) and then by name, and metadata by name, so that the order in which they
 * are given changes no byte.
 *
 * @param metadata  text by name, kept under `__metadata__`
 * @throws RangeError when a tensor's data does not fill its shape
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, Safetensor>>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1);
  const entries = Object.entries(tensors).sort(
    (a, b) => dtypes.indexOf(a[1].dtype) - dtypes.indexOf(b[1].dtype) || byName(a, b),
  );
  const header: [string, unknown][] = [];
  if (metadata) header.push(['__metadata__', Object.fromEntries(Object.entries(metadata).sort(byName))]);
  let end = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    if (name === '__metadata__') throw new RangeError('data: tensor name must not be __metadata__; choose another');
    if (!(data instanceof arrayTypes[dtype]) || data.length !== sizeOf(shape)) {
      throw new RangeError(
        `data: tensor ${name} must hold ${sizeOf(shape)} values for ${dtype} [${shape}], got ${data.length} in ${data.constructor.name}`,
      );
    }
    header.push([name, { dtype, shape, data_offsets: [end, end + data.byteLength] }]);
    end += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const start = 8 + Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(start + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(json, 8);
  bytes.fill(0x20, 8 + json.length, start);
  let offset = start;
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

const headerSchema = z.record(
  z.string(),
  z.object({
    dtype: z.enum(dtypes as [SafetensorDtype]),
    shape: z.array(z.int().nonnegative()),
    data_offsets: z.tuple([z.int(), z.int()]),
  }),
);
const metadataSchema = z.record(z.string(), z.string());

/**
 * Decodes a safetensors file. A tensor is a view of `bytes` where its bytes are aligned (always, in files that
 * {@link encodeSafetensors} made and a reader loaded into a buffer of their own), else a copy.
 *
 * @param source  what to call the bytes in errors, such as their file
 * @throws RangeError when the header is not valid, or the tensors do not fill the rest without gap or overlap
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  source = 'safetensors bytes',
): { tensors: Record<string, Safetensor>; metadata: Record<string, string> } {
  const fail = (expectation: string, got: string) =>
    new RangeError(`data: ${source} must ${expectation}, got ${got}; the file is damaged or no safetensors file`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8) throw fail('begin with 8 bytes of header length', `${bytes.length} bytes`);
  const start = 8 + Number(view.getBigUint64(0, true));
  if (start > bytes.length) throw fail(`hold its header in ${bytes.length} bytes`, `a header that ends at ${start}`);
  let metadata: Record<string, string>;
  let layout: z.infer<typeof headerSchema>;
  try {
    const { __metadata__ = {}, ...rest } = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, start)),
    );
    metadata = metadataSchema.parse(__metadata__);
    layout = headerSchema.parse(rest);
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw fail('have a valid JSON header', reason);
  }
  const entries = Object.entries(layout).sort(
    ([, { data_offsets: a }], [, { data_offsets: b }]) => a[0] - b[0] || a[1] - b[1],
  );
  let end = 0;
  const tensors = entries.map(([name, { dtype, shape, data_offsets: offsets }]) => {
    const begin = end;
    end += sizeOf(shape) * arrayTypes[dtype].BYTES_PER_ELEMENT;
    if (offsets[0] !== begin || offsets[1] !== end || start + end > bytes.length) {
      throw fail(
        `hold tensor ${name}, ${dtype} [${shape}], in bytes ${begin} to ${end} of its data`,
        offsets.join(' to '),
      );
    }
    return [
      name,
      {
        dtype,
        shape,
        data: viewAs<SafetensorData[SafetensorDtype]>(arrayTypes[dtype], bytes.subarray(start + begin, start + end)),
      },
    ];
  });
  if (start + end !== bytes.length) throw fail(`be ${start + end} bytes long`, `${bytes.length}`);
  return { tensors: Object.fromEntries(tensors), metadata };
}

interface ArrayType<A> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): A;
}

/** Bytes as the elements of an array: a view where they are aligned, else a copy. */
export function viewAs<A>(arrayType: ArrayType<A>, bytes: Uint8Array): A {
  const isAligned = bytes.byteOffset % arrayType.BYTES_PER_ELEMENT === 0;
  const { buffer, byteOffset, byteLength } = isAligned ? bytes : new Uint8Array(bytes);
  return new arrayType(buffer as ArrayBuffer, byteOffset, byteLength / arrayType.BYTES_PER_ELEMENT);
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}
