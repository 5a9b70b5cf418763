import { join } from 'node:path';
import { writeFileAtomically } from '@codebeam/data';

/** Vectors that TensorBoard's projector shows: a codebook, item embeddings. */
export interface Projection {
  /** Letters, digits, `-`, `_` and `.`: it names the files. */
  name: string;
  /** [N, D] row major. */
  values: ArrayLike<number>;
  dim: number;
  /** What to show beside each point: columns of N values. */
  labels?: { [column: string]: ArrayLike<string | number> };
}

/**
 * Writes `<name>.tensors.tsv`, `<name>.metadata.tsv` and the `projector_config.pbtxt` that lists them into a log folder.
 * Calling again replaces the files, so they show the latest vectors.
 *
 * @throws RangeError when values or labels are not N rows, or a name cannot be a file's
 */
export async function writeProjector(directory: string, projections: readonly Projection[]): Promise<void> {
  const config: string[] = [];
  for (const { name, values, dim, labels = {} } of projections) {
    check(name, values.length, dim, labels);
    const rows = Array.from({ length: values.length / dim }, (_, row) => row);
    const columns = Object.keys(labels);
    const tensors = rows.map((row) => Array.from({ length: dim }, (_, i) => shorten(values[row * dim + i])));
    await writeTable(join(directory, `${name}.tensors.tsv`), tensors);
    config.push('embeddings {', `  tensor_name: "${name}"`, `  tensor_path: "${name}.tensors.tsv"`);
    if (columns.length > 0) {
      const cells = rows.map((row) => columns.map((column) => String(labels[column][row]).replace(/\s+/g, ' ')));
      // The projector takes the first line for a heading only when there are several columns.
      await writeTable(join(directory, `${name}.metadata.tsv`), columns.length > 1 ? [columns, ...cells] : cells);
      config.push(`  metadata_path: "${name}.metadata.tsv"`);
    }
    config.push('}');
  }
  await writeFileAtomically(join(directory, 'projector_config.pbtxt'), `${config.join('\n')}\n`);
}

const writeTable = (path: string, rows: readonly (readonly unknown[])[]) =>
  writeFileAtomically(path, `${rows.map((row) => row.join('\t')).join('\n')}\n`);

/** Float32 has about 7 digits; the rest of its float64 form is noise. */
const shorten = (value: number) => Number(value.toPrecision(7));

function check(name: string, length: number, dim: number, labels: NonNullable<Projection['labels']>): void {
  if (!/^[\w.-]+$/.test(name)) {
    throw new RangeError(
      `trainers: projection name must consist of letters, digits, -, _ and ., got ${name}; rename it`,
    );
  }
  if (!Number.isSafeInteger(dim) || dim < 1 || length % dim !== 0) {
    throw new RangeError(`trainers: ${name} must have rows of ${dim} values, got ${length} values; check dim`);
  }
  for (const [column, values] of Object.entries(labels)) {
    if (values.length === length / dim) continue;
    const got = `got ${values.length}`;
    throw new RangeError(
      `trainers: labels ${column} of ${name} must be ${length / dim}, ${got}; give one for each row`,
    );
  }
}
