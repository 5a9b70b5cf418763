import { z } from 'zod';

/** What an estimate of energy assumes. */
export const energySchema = z.strictObject({
  wattsPerCore: z
    .number()
    .positive()
    .default(10)
    .describe('power of a busy core, its part of memory and board included'),
  gramsCo2PerKilowattHour: z
    .number()
    .nonnegative()
    .default(480)
    .describe('of the electricity used; 480 is about the mean of the world in 2023'),
});
export type EnergyAssumptions = z.output<typeof energySchema>;

/** Named an estimate throughout: CPU time is measured, the rest is assumed. */
export interface EnergyEstimate extends EnergyAssumptions {
  cpuSeconds: number;
  estimatedKilowattHours: number;
  estimatedGramsCo2: number;
}

/**
 * Estimates the energy and CO2 of measured CPU time: time of cores x watts per core x grams per kilowatt-hour. Idle power, cooling and
 * accelerators are not counted.
 *
 * @param cpuSeconds  of all cores together, for example from `process.cpuUsage()`
 */
export function estimateEnergy(cpuSeconds: number, assumptions: z.input<typeof energySchema> = {}): EnergyEstimate {
  const assumed = energySchema.parse(assumptions);
  const estimatedKilowattHours = (cpuSeconds * assumed.wattsPerCore) / 3.6e6;
  return {
    cpuSeconds,
    ...assumed,
    estimatedKilowattHours,
    estimatedGramsCo2: estimatedKilowattHours * assumed.gramsCo2PerKilowattHour,
  };
}

/** One line for people, which says that it is an estimate and what it assumes. */
export function describeEnergy(estimate: EnergyEstimate): string {
  const { cpuSeconds, wattsPerCore, gramsCo2PerKilowattHour, estimatedKilowattHours, estimatedGramsCo2 } = estimate;
  return `estimate: ${estimatedKilowattHours.toPrecision(3)} kWh, ${estimatedGramsCo2.toPrecision(3)} g CO2 (${Math.round(cpuSeconds)} s of CPU time measured; ${wattsPerCore} W per core and ${gramsCo2PerKilowattHour} g/kWh assumed)`;
}
