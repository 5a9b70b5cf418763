import { describe, expect, it } from 'vitest';
import { backends } from '../../fixtures/backends.js';
import { adagradUpdate, selectBackend, tf } from '../index.js';

/** Smaller and larger than a chunk of work. */
const sizes = [1, 7, 40_000];
const draw = (size: number, seed: number) => tf.randomNormal([size], 0, 1, 'float32', seed);

describe.each(backends)('adagradUpdate on %s', (backend) => {
  it.each([0, 0.5])('equals the formulas in float64, with momentum %f', async (momentum) => {
    await selectBackend(backend);
    const rates = { rate: 0.1, epsilon: 1e-6, momentum };
    for (const size of sizes) {
      const [param, gradient, root, last] = [1, 2, 3, 4].map((seed) => draw(size, seed));
      const squares = tf.square(root);
      const velocity = momentum > 0 ? last : undefined;
      const updated = adagradUpdate({ param, gradient, squares, velocity }, rates, tf.scalar(0.5));
      const [p, g, s, v] = [param, gradient, squares, last].map((x) => x.dataSync());
      const found = [updated.param, updated.squares].map((x) => x.dataSync());
      let worst = 0;
      for (let i = 0; i < size; i++) {
        const sum = s[i] + (g[i] / 2) ** 2;
        const change = momentum * v[i] - (0.1 * g[i]) / 2 / (Math.sqrt(sum) + 1e-6);
        worst = Math.max(worst, Math.abs(found[0][i] - p[i] - change), Math.abs(found[1][i] - sum) / (1 + sum));
        if (updated.velocity && i === size - 1) expect(updated.velocity.dataSync()[i]).toBeCloseTo(change, 6);
      }
      expect(worst).toBeLessThan(2e-6);
      expect(updated.velocity === undefined).toBe(momentum === 0);
    }
  });

  it('refuses moments of another shape', async () => {
    await selectBackend(backend);
    const [x, y] = [tf.ones([2]), tf.ones([3])];
    expect(() => adagradUpdate({ param: x, gradient: x, squares: y }, { rate: 1, epsilon: 0, momentum: 0 })).toThrow(
      "must have their parameter's shape, [2], got [3]",
    );
  });
});
