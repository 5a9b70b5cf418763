import { execFileSync } from 'node:child_process';
import { createGenerator, createKey, foldIn } from '@codebeam/random';
import { describe, expect, it } from 'vitest';
import { backends } from '../fixtures/backends.js';
import { dropout, dropoutMask, selectBackend, tf } from './index.js';

describe.each(backends)('on %s', (backend) => {
  it('sums the gradient of gather over repeated rows', async () => {
    await selectBackend(backend);
    const table = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const ids = tf.tensor2d([2, 0, 2, 2], [2, 2], 'int32');
    const weights = tf.tensor3d([1, 10, 2, 20, 3, 30, 4, 40], [2, 2, 2]);
    const gradient = tf.grad((t: tf.Tensor) => tf.sum(tf.mul(tf.gather(t, ids), weights)))(table);
    expect(Array.from(await gradient.data())).toEqual([2, 20, 0, 0, 8, 80]);
    expect(gradient.shape).toEqual([3, 2]);
  });

  it('scatters 4,096 rows into a large table without a loop over its rows', async () => {
    await selectBackend(backend);
    const table = tf.zeros([12_000, 64]);
    const ids = tf.tensor1d(
      Int32Array.from({ length: 4096 }, (_, i) => (i * 7) % 12_000),
      'int32',
    );
    const start = performance.now();
    const gradient = tf.grad((t: tf.Tensor) => tf.sum(tf.gather(t, ids)))(table);
    expect((await tf.sum(gradient).data())[0]).toBe(4096 * 64);
    // The cpu kernel that this one replaces takes minutes.
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])(
    'multiplies matrices, alone and in batches small and large (transposed: %s, %s)',
    async (transposeA, transposeB) => {
      await selectBackend(backend);
      for (const [batch, rows, inner, columns] of [
        [[], 3, 5, 4],
        [[1], 3, 5, 4],
        [[2, 3], 3, 5, 4],
        [[2, 3], 21, 20, 22],
      ] as const) {
        const count = batch.reduce<number>((product, n) => product * n, 1);
        const draw = (seed: number, size: number) => {
          const generator = createGenerator(createKey(seed, 'sample'));
          return Float32Array.from({ length: count * size }, () => generator.normal());
        };
        const [a, b] = [draw(1, rows * inner), draw(2, inner * columns)];
        const product = tf.matMul(
          tf.tensor(a, [...batch, ...(transposeA ? [inner, rows] : [rows, inner])]),
          tf.tensor(b, [...batch, ...(transposeB ? [columns, inner] : [inner, columns])]),
          transposeA,
          transposeB,
        );
        expect(product.shape).toEqual([...batch, rows, columns]);
        const found = await product.data();
        for (let m = 0; m < count; m++) {
          for (let i = 0; i < rows; i++) {
            for (let j = 0; j < columns; j++) {
              let expected = 0;
              for (let k = 0; k < inner; k++) {
                const fromA = transposeA ? k * rows + i : i * inner + k;
                const fromB = transposeB ? j * inner + k : k * columns + j;
                expected += a[m * rows * inner + fromA] * b[m * inner * columns + fromB];
              }
              expect(found[(m * rows + i) * columns + j]).toBeCloseTo(expected, 4);
            }
          }
        }
      }
    },
  );

  it('clones without sharing the life of the original', async () => {
    await selectBackend(backend);
    const before = tf.memory().numTensors;
    const original = tf.tensor1d([1, 2]);
    const copy = tf.clone(original);
    original.dispose();
    expect(Array.from(await copy.data())).toEqual([1, 2]);
    copy.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leaves no tensors behind after dropout and its gradient', async () => {
    await selectBackend(backend);
    const x = tf.ones([4, 8]);
    const before = tf.memory().numTensors;
    const gradient = tf.grad((t: tf.Tensor) => tf.sum(dropout(t, 0.5, createKey(1, 'dropout'))))(x);
    const mask = dropoutMask(32, 0.5, createKey(1, 'dropout'));
    expect(Array.from(await gradient.data())).toEqual(Array.from(mask));
    gradient.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('dropoutMask', () => {
  it('drops the asked share and keeps the mean', () => {
    const mask = dropoutMask(100_000, 0.1, createKey(3, 'dropout'));
    const dropped = mask.filter((value) => value === 0).length / mask.length;
    expect(Math.abs(dropped - 0.1)).toBeLessThan(5 * Math.sqrt(0.09 / mask.length));
    expect(mask.find((value) => value > 0)).toBeCloseTo(1 / 0.9, 6);
  });

  it('is the same for the same key and another for a folded one', () => {
    const key = createKey(3, 'dropout');
    expect(dropoutMask(64, 0.5, key)).toEqual(dropoutMask(64, 0.5, key));
    expect(dropoutMask(64, 0.5, key)).not.toEqual(dropoutMask(64, 0.5, foldIn(key, 1)));
  });

  it('refuses a rate of one', () => {
    expect(() => dropout(tf.ones([1]), 1, createKey(1, 'dropout'))).toThrow(
      'backend: dropout rate must be in [0, 1), got 1',
    );
  });
});

describe('selectBackend', () => {
  it('refuses an unknown name', async () => {
    await expect(selectBackend('gpu')).rejects.toThrow(
      'backend: backend must be one of tensorflow, webgpu, native, wasm, cpu, got gpu',
    );
  });

  it('fails when a forced backend is not there, and says how to get it', async () => {
    await expect(selectBackend('tensorflow')).rejects.toThrow(
      /tensorflow was asked for.*npm install @tensorflow\/tfjs/s,
    );
  });

  it.skipIf(!backends.includes('native'))('takes the native kernels where they are built', async () => {
    const { name, reason } = await selectBackend(undefined);
    expect(name).toBe('native');
    expect(reason).toMatch(/^native \((amx|avx512|avx2|portable), \d+ threads?\); no tensorflow \(/);
  });

  it('falls back to wasm where they are not, and says why', () => {
    const script = "import('@codebeam/backend').then(async (b) => console.log((await b.selectBackend()).reason))";
    const reason = execFileSync(process.execPath, ['-e', script], {
      cwd: import.meta.dirname,
      env: { ...process.env, CODEBEAM_BACKEND: '', CODEBEAM_ADDON: 'nowhere.node' },
      encoding: 'utf8',
    });
    expect(reason).toMatch(/^wasm; no tensorflow .* no native \(nowhere.node is not built/);
  });
});
