import { shapiroWilk } from '@codebeam/eval';

/** How values are distributed, by T-RECS' names. NaN where there is no such number. */
export interface Diagnosis {
  mean: number;
  /** Of a population: divided by n. */
  std: number;
  median: number;
  min: number;
  max: number;
  /** Third standardised moment, biased. */
  skew: number;
  /** Fourth standardised moment less 3, biased. */
  kurtosis: number;
  /** Statistic of Shapiro and Wilk's test of normality. */
  sw_stat: number;
  /** Its p-value; NaN of 5000 values or more, for which it is no good. */
  sw_p: number;
  n: number;
}

export function diagnose(values: Float64Array): Diagnosis {
  const n = values.length;
  const sorted = values.toSorted();
  // Equal values have no shape: rounding of their mean would make one up.
  const isOne = sorted[0] === sorted[n - 1];
  const mean = isOne ? sorted[0] : values.reduce((sum, value) => sum + value, 0) / n;
  const moment = (order: number) => values.reduce((sum, value) => sum + (value - mean) ** order, 0) / n;
  const variance = moment(2);
  const test = n >= 3 ? shapiroWilk(values) : undefined;
  return {
    mean,
    std: Math.sqrt(variance),
    median: (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2,
    min: sorted[0],
    max: sorted[n - 1],
    skew: moment(3) / variance ** 1.5,
    kurtosis: moment(4) / variance ** 2 - 3,
    sw_stat: test?.statistic ?? Number.NaN,
    sw_p: n >= 5000 ? Number.NaN : (test?.pValue ?? Number.NaN),
    n,
  };
}
