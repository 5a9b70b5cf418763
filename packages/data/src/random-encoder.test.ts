import { expect, test } from 'vitest';
import { createRandomEncoder } from './random-encoder.js';

test('draws a vector for each text that only seed and place decide, of mean 0 and variance 1', async () => {
  const vectors = await createRandomEncoder({ dim: 16 }, 3).encode(Array(1000).fill('soap'));
  const again = await createRandomEncoder({ dim: 16 }, 3).encode([...Array(999).fill('tea'), '']);
  expect(vectors).toEqual(again);
  expect(await createRandomEncoder({ dim: 16 }, 4).encode(['soap'])).not.toEqual(vectors.subarray(0, 16));
  const mean = vectors.reduce((sum, value) => sum + value, 0) / vectors.length;
  const variance = vectors.reduce((sum, value) => sum + (value - mean) ** 2, 0) / vectors.length;
  expect(Math.abs(mean)).toBeLessThan(0.02); // 16,000 draws: a standard error of .008
  expect(Math.abs(variance - 1)).toBeLessThan(0.05);
});
