import { selectBackend, tf } from '@codebeam/backend';
import { packSequences } from '@codebeam/data';
import { type Dropout, noDropout } from '@codebeam/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import { coreLoss, coreSchema, encodeSessions, initCore } from './core.js';

const sessions = packSequences([[3, 1, 4], [1], [5, 2, 0, 6]].map((items) => Int32Array.from(items)));

describe('CORE', () => {
  beforeAll(async () => {
    await selectBackend();
  });

  it('scores by hand: cosines over the temperature', () => {
    const config = coreSchema.parse({ encoder: 'ave', modelWidth: 2, temperature: 0.07 });
    const items = tf.tensor2d([1, 0, 0, 1, 1, 1], [3, 2]);
    const session = packSequences([Int32Array.of(0, 1)]);
    // Cosines .707107, .707107 and 1; the third wins by 4.184 nats over each of two.
    expect(coreLoss({ items }, session, Int32Array.of(2), config).dataSync()[0]).toBeCloseTo(0.030014, 6);
    expect(coreLoss({ items }, session, Int32Array.of(0), config).dataSync()[0]).toBeCloseTo(
      0.030014 + 14.285714 - 10.101525,
      5,
    );
  });

  it('ave does not see the order of a session, trm does', async () => {
    const reversed = packSequences([[4, 1, 3], [1], [6, 0, 2, 5]].map((items) => Int32Array.from(items)));
    for (const encoder of ['ave', 'trm'] as const) {
      const config = coreSchema.parse({ encoder, modelWidth: 8 });
      const params = initCore(config, 7, 1);
      // Positions of the usual size make next to no difference before any training.
      if (params.transformer) params.transformer.positions = tf.mul(params.transformer.positions, 50);
      if (params.transformer) params.transformer.weight = tf.mul(params.transformer.weight, 50);
      const [one, other] = [sessions, reversed].map((packed) => encodeSessions(params, packed, config).arraySync());
      const apart = Math.max(...one[2].map((x, i) => Math.abs(x - other[2][i])));
      if (encoder === 'ave') expect(apart).toBeLessThan(1e-6);
      else expect(apart).toBeGreaterThan(1e-3);
    }
  });

  it('trm weighs the items of a session as their dropout leaves them', () => {
    const config = coreSchema.parse({ encoder: 'trm', modelWidth: 8 });
    const params = initCore(config, 7, 1);
    if (params.transformer) params.transformer.weight = tf.mul(params.transformer.weight, 50);
    const halves = tf.tensor2d([1, 0, 1, 0, 1, 0, 1, 0], [1, 8]);
    const session: Dropout = Object.assign(<T extends tf.Tensor>(x: T) => tf.mul(x, halves) as T, {
      draw: noDropout.draw,
    });
    const dropped = encodeSessions(params, sessions, config, { session, transformer: noDropout }).dataSync();
    const items = tf.mul(params.items, halves) as tf.Tensor2D;
    expect([...dropped]).toEqual([...encodeSessions({ ...params, items }, sessions, config).dataSync()]);
  });

  it('has sessions of length 1, whatever stands beside them, and nothing for an empty one', async () => {
    for (const encoder of ['ave', 'trm'] as const) {
      const config = coreSchema.parse({ encoder, modelWidth: 8 });
      const params = initCore(config, 7, 1);
      const alone = encodeSessions(params, packSequences([Int32Array.of(5, 2, 0, 6)]), config).arraySync();
      const withEmpty = packSequences([Int32Array.of(3, 1, 4), new Int32Array(0), Int32Array.of(5, 2, 0, 6)]);
      const encoded = encodeSessions(params, withEmpty, config).arraySync();
      for (const [i, x] of alone[0].entries()) expect(encoded[2][i]).toBeCloseTo(x, 5);
      expect(encoded[1]).toEqual(Array(8).fill(0));
      expect(Math.hypot(...encoded[0])).toBeCloseTo(1, 5);
    }
  });

  it('has the gradient of finite differences', () => {
    const config = coreSchema.parse({ modelWidth: 8, temperature: 0.5 });
    const params = initCore(config, 7, 1);
    const at = (items: tf.Tensor) =>
      coreLoss({ ...params, items: items as tf.Tensor2D }, sessions, Int32Array.of(2, 0, 3), config);
    const direction = tf.randomNormal([7, 8], 0, 1, 'float32', 3);
    const slope = tf.sum(tf.mul(tf.grad(at)(params.items), direction)).dataSync()[0];
    const [up, down] = [1e-3, -1e-3].map((h) => at(tf.add(params.items, tf.mul(direction, h))).dataSync()[0]);
    expect((up - down) / 2e-3).toBeCloseTo(slope, 2);
  });
});
