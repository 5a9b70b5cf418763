import { expect, it } from 'vitest';
import { estimateTraining } from './index.js';

it('tells setup from steps: 3 s and 0.5 s a step are 50 s for an epoch of 100', async () => {
  let time = 0;
  const run = async (steps: number) => {
    time += 3 + 0.5 * steps;
  };
  const estimate = await estimateTraining(run, { stepsPerEpoch: 100, now: () => time });
  expect(estimate).toMatchObject({
    estimatedSecondsPerStep: 0.5,
    estimatedSecondsPerEpoch: 50,
    estimatedSetupSeconds: 3,
  });
  expect(estimate.peakProcessBytes).toBeGreaterThan(10e6);
  await expect(estimateTraining(run, { stepsPerEpoch: 1, probes: [2, 2] })).rejects.toThrow('two rising numbers');
});
