import { type FileHandle, open } from 'node:fs/promises';
import {
  AsyncRecordBatchFileReader,
  DataType,
  Field,
  FixedSizeList,
  Float32,
  makeData,
  Precision,
  RecordBatch,
  RecordBatchFileWriter,
  RecordBatchReader,
  Schema,
  Struct,
} from 'apache-arrow';
import { writeFileAtomically } from './write-file.js';

/** One vector per item: row n is item n. */
export interface Embeddings {
  /** [N*E] float32, row major */
  values: Float32Array;
  /** N */
  rows: number;
  /** E */
  dim: number;
}

/** Rows in an Arrow batch: small enough to read a file batch by batch, large enough to cost nothing. */
const batchRows = 1024;
const columnName = 'embedding';

/**
 * Writes embeddings as an Arrow IPC file: one column `embedding`, FixedSizeList<float32>[E], in batches of 1,024 rows,
 * with the encoder and the width as schema metadata. Equal embeddings give equal bytes.
 *
 * @param encoder  id of the text encoder that made them
 * @throws RangeError when the shape is wrong or a value is not finite
 */
export async function writeEmbeddings(path: string, embeddings: Embeddings, encoder: string): Promise<void> {
  checkEmbeddings(embeddings, path);
  const { values, rows, dim } = embeddings;
  const type = new FixedSizeList(dim, new Field('item', new Float32(), false));
  const schema = new Schema(
    [new Field(columnName, type, false)],
    new Map([
      ['encoder', encoder],
      ['dim', String(dim)],
    ]),
  );
  const batches: RecordBatch[] = [];
  for (let start = 0; start === 0 || start < rows; start += batchRows) {
    const length = Math.min(batchRows, rows - start);
    const child = makeData({ type: new Float32(), data: values.subarray(start * dim, (start + length) * dim) });
    const list = makeData({ type, length, nullCount: 0, child });
    batches.push(
      new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children: [list] })),
    );
  }
  await writeFileAtomically(path, RecordBatchFileWriter.writeAll(batches));
}

/**
 * Reads embeddings that {@link writeEmbeddings} wrote. Batches go straight from the file into one array, so memory
 * holds them once (and the garbage of a batch), however large the file.
 *
 * @param expected  the rows (the catalogue's items) and width that the caller counts on
 * @throws RangeError when rows or width are others, or a value is not finite
 * @throws Error naming the file when it is missing, damaged or of another format
 */
export async function readEmbeddings(
  path: string,
  expected: { rows?: number; dim?: number } = {},
): Promise<Embeddings & { encoder: string }> {
  const file = await open(path).catch(unreadable(path));
  try {
    const reader = await openArrowFile(path, file);
    const column = reader.schema.fields.find((field) => field.name === columnName);
    const type = column?.type;
    if (!DataType.isFixedSizeList(type) || !isFloat32(type.children[0].type)) {
      throw new RangeError(`data: ${path} must have a column ${columnName} of FixedSizeList<float32>, got ${type}`);
    }
    const dim = type.listSize;
    // The footer does not count rows, but the file's size bounds them; the slack is what surrounds the batches.
    const { size } = await file.stat();
    const room = new Float32Array(Math.floor(size / Float32Array.BYTES_PER_ELEMENT));
    let rows = 0;
    for (let index = 0; index < reader.numRecordBatches; index++) {
      const batch = (await reader.readRecordBatch(index).catch(unreadable(path)))!;
      const vectors = batch.getChild(columnName)!.data[0].children[0].values;
      room.set(vectors.subarray(0, batch.numRows * dim), rows * dim);
      rows += batch.numRows;
    }
    const embeddings = { values: room.subarray(0, rows * dim), rows, dim };
    checkEmbeddings(embeddings, path, expected);
    return { ...embeddings, encoder: reader.schema.metadata.get('encoder') ?? '' };
  } finally {
    await file.close();
  }
}

const isFloat32 = (type: DataType) => DataType.isFloat(type) && type.precision === Precision.SINGLE;

function unreadable(path: string): (cause: unknown) => never {
  return (cause) => {
    throw new Error(`data: ${path} must be a readable Arrow file, got ${(cause as Error).message}; make it anew`, {
      cause,
    });
  };
}

async function openArrowFile(path: string, file: FileHandle): Promise<AsyncRecordBatchFileReader> {
  try {
    const reader = await RecordBatchReader.from(file);
    await reader.open();
    if (reader instanceof AsyncRecordBatchFileReader) return reader;
  } catch (cause) {
    unreadable(path)(cause);
  }
  throw new RangeError(`data: ${path} must be an Arrow IPC file, got a stream; write it in the file format`);
}

/**
 * Checks that embeddings are [rows, dim] and finite.
 *
 * @param source    what to call them in errors, such as their file
 * @param expected  rows and width that they must have
 * @throws RangeError naming the source, and row and column of the first value that is not finite
 */
export function checkEmbeddings(
  { values, rows, dim }: Embeddings,
  source: string,
  expected: { rows?: number; dim?: number } = {},
): void {
  if (expected.dim !== undefined && dim !== expected.dim) {
    throw new RangeError(`data: ${source} must have vectors of width ${expected.dim}, got width ${dim}`);
  }
  if (expected.rows !== undefined && rows !== expected.rows) {
    throw new RangeError(`data: ${source} must have one row for each of ${expected.rows} items, got ${rows} rows`);
  }
  if (!(dim >= 1) || values.length !== rows * dim) {
    throw new RangeError(`data: ${source} must have ${rows} x ${dim} values, got ${values.length}`);
  }
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new RangeError(
      `data: ${source} must have finite values, got ${values[wrong]} in row ${Math.floor(wrong / dim)}, column ${wrong % dim}`,
    );
  }
}

/**
 * Two vectors of each item side by side: the rows of both at unit length, then `first` with the share 1 - s of the squared
 * length and `second` with s. A row of zeros stays one.
 *
 * @param share  s, in [0, 1]
 * @returns      [N, E1 + E2]
 * @throws RangeError when they are not of the same items
 */
export function joinEmbeddings(first: Embeddings, second: Embeddings, share: number): Embeddings {
  if (first.rows !== second.rows) {
    throw new RangeError(
      `data: embeddings to join must be of the same items, got ${first.rows} and ${second.rows} rows`,
    );
  }
  const dim = first.dim + second.dim;
  const values = new Float32Array(first.rows * dim);
  const parts = [
    { part: first, at: 0, length: Math.sqrt(1 - share) },
    { part: second, at: first.dim, length: Math.sqrt(share) },
  ];
  for (const { part, at, length } of parts) {
    for (let row = 0; row < part.rows; row++) {
      const vector = part.values.subarray(row * part.dim, (row + 1) * part.dim);
      const norm = Math.hypot(...vector);
      for (const [i, x] of vector.entries()) values[row * dim + at + i] = norm > 0 ? (length * x) / norm : 0;
    }
  }
  return { values, rows: first.rows, dim };
}
