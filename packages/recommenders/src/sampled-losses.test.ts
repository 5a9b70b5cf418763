import { selectBackend, tf } from '@codebeam/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { binaryCrossEntropy, sampledBprMax, sampledCrossEntropy, sampledSoftmax } from './sampled-losses.js';

// Two targets, on the diagonal, and one sample. With classes e_1, e_2, e_3 the hidden states are the scores.
const scores = [
  [1, 0, -1],
  [0.5, 2, 0],
];
const classes = () => tf.eye(3);

describe('sampled losses', () => {
  beforeAll(async () => {
    await selectBackend();
  });

  it('cross-entropy by hand', () => {
    expect(2 * sampledCrossEntropy(tf.tensor2d(scores), classes()).dataSync()[0]).toBeCloseTo(0.713962, 6);
  });

  it.each([
    [0, 0, 0.432276],
    [0, 1, 0.856832],
    [0.5, 0, 0.453292],
    [0.5, 1, 0.651025],
    [1, 1, 0.731356],
  ])('BPR-max with ELU %f and regularization %f', (eluParam, bpreg, expected) => {
    const loss = sampledBprMax(tf.tensor2d(scores), classes(), { eluParam, bpreg });
    expect(2 * loss.dataSync()[0]).toBeCloseTo(expected, 5);
  });

  it('binary cross-entropy by hand, and finite where scores are certain', () => {
    // Odds of 3 to 1 for what was met; of 1 to 1 and 1 to 7 for what was not.
    const loss = binaryCrossEntropy(tf.tensor1d([Math.log(3)]), tf.tensor1d([0, -Math.log(7)]));
    expect(loss.dataSync()[0]).toBeCloseTo(-(Math.log(3 / 4) + Math.log(1 / 2) + Math.log(7 / 8)) / 3, 6);
    expect(binaryCrossEntropy(tf.tensor1d([-200]), tf.tensor1d([200])).dataSync()[0]).toBeCloseTo(200, 3);
  });

  it('sampled softmax by hand', () => {
    const loss = sampledSoftmax(
      tf.tensor2d([Math.log(2), 0], [2, 1]),
      tf.log(
        tf.tensor2d([
          [1, 1],
          [1, 2],
        ]),
      ),
    );
    expect(loss.dataSync()[0]).toBeCloseTo((Math.log(2) + Math.log(4)) / 2, 6);
  });

  it('have the gradients of finite differences', () => {
    const direction = tf.randomNormal<tf.Rank.R2>([2, 3], 0, 1, 'float32', 3);
    const losses = [
      (hidden: tf.Tensor) => sampledCrossEntropy(hidden as tf.Tensor2D, classes()),
      (hidden: tf.Tensor) => sampledBprMax(hidden as tf.Tensor2D, classes(), { eluParam: 0.5, bpreg: 1 }),
      (hidden: tf.Tensor) => binaryCrossEntropy(tf.slice(hidden, 0, 1), tf.slice(hidden, 1)),
      (hidden: tf.Tensor) =>
        sampledSoftmax(tf.slice(hidden as tf.Tensor2D, [0, 0], [-1, 1]), tf.slice(hidden as tf.Tensor2D, [0, 1])),
    ];
    for (const loss of losses) {
      const at = tf.tensor2d(scores.map((row) => row.map((x) => x + 0.1))); // off the kink of the ELU
      const slope = tf.sum(tf.mul(tf.grad(loss)(at), direction)).dataSync()[0];
      const [up, down] = [1e-2, -1e-2].map((h) => loss(tf.add(at, tf.mul(direction, h))).dataSync()[0]);
      expect(slope).toBeCloseTo((up - down) / 2e-2, 3);
    }
  });
});
