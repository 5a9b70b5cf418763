import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeProjector } from './projector.js';

const folder = () => mkdtemp(join(tmpdir(), 'projector-'));

describe('writeProjector', () => {
  it('writes vectors, labels and the list of both', async () => {
    const directory = await folder();
    await writeProjector(directory, [
      { name: 'level-0', values: Float32Array.of(0.1, 2, -3, 4e-8), dim: 2, labels: { code: [0, 1], uses: [9, 0] } },
      { name: 'items', values: [5, 6], dim: 1, labels: { title: ['Hand\tcream\n50 ml', 'Soap'] } },
      { name: 'plain', values: [7], dim: 1 },
    ]);
    const read = (name: string) => readFile(join(directory, name), 'utf8');
    expect(await read('level-0.tensors.tsv')).toBe('0.1\t2\n-3\t4e-8\n');
    expect(await read('level-0.metadata.tsv')).toBe('code\tuses\n0\t9\n1\t0\n');
    expect(await read('items.metadata.tsv')).toBe('Hand cream 50 ml\nSoap\n');
    expect(await read('projector_config.pbtxt')).toBe(
      `embeddings {
  tensor_name: "level-0"
  tensor_path: "level-0.tensors.tsv"
  metadata_path: "level-0.metadata.tsv"
}
embeddings {
  tensor_name: "items"
  tensor_path: "items.tensors.tsv"
  metadata_path: "items.metadata.tsv"
}
embeddings {
  tensor_name: "plain"
  tensor_path: "plain.tensors.tsv"
}
`,
    );
  });

  it('refuses labels and widths that do not fit, and names that are paths', async () => {
    const directory = await folder();
    const write = (projection: object) =>
      writeProjector(directory, [{ name: 'x', values: [1, 2], dim: 1, ...projection }]);
    await expect(write({ labels: { code: [1] } })).rejects.toThrow('trainers: labels code of x must be 2, got 1');
    await expect(write({ dim: 3 })).rejects.toThrow('trainers: x must have rows of 3 values, got 2 values; check dim');
    await expect(write({ name: '../x' })).rejects.toThrow('trainers: projection name must consist of letters');
  });
});
