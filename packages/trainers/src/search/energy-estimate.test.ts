import { expect, it } from 'vitest';
import { describeEnergy, estimateEnergy } from './index.js';

it('estimates an hour of ten cores at 10 W as 0.1 kWh', () => {
  const estimate = estimateEnergy(36_000, { wattsPerCore: 10, gramsCo2PerKilowattHour: 500 });
  expect(estimate.estimatedKilowattHours).toBeCloseTo(0.1, 12);
  expect(estimate.estimatedGramsCo2).toBeCloseTo(50, 12);
  expect(describeEnergy(estimate)).toBe(
    'estimate: 0.100 kWh, 50.0 g CO2 (36000 s of CPU time measured; 10 W per core and 500 g/kWh assumed)',
  );
});
