import { compiled, ndtr, ndtri } from 'cephes';
import type { TestResult } from './paired-tests.js';

// The functions are WebAssembly, which a module has to wait for.
await compiled;

/**
 * Shapiro and Wilk's test of normality with Royston's approximations, as R and SciPy compute it. Royston 1995, "Remark AS R94: A remark on
 * algorithm AS 181: The W-test for normality", Applied Statistics 44; meant for 3 to 5000 values.
 *
 * @returns statistic W, and the p-value that values are normal; 1 and 1 where all values are equal
 * @throws RangeError when there are fewer than three values
 */
export function shapiroWilk(values: Float64Array): TestResult {
  const n = values.length;
  if (n < 3) throw new RangeError(`eval: values to test for normality must be three at least, got ${n}; collect more`);
  const x = values.toSorted();
  if (x[0] === x[n - 1]) return { statistic: 1, pValue: 1 };
  const mean = x.reduce((sum, value) => sum + value, 0) / n;
  const squares = x.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const weights = weightsOf(n);
  const range = weights.reduce((sum, weight, i) => sum + weight * (x[n - 1 - i] - x[i]), 0);
  const statistic = Math.min(1, range ** 2 / squares);
  return { statistic, pValue: pValueOf(statistic, n) };
}

/** [n / 2] weights of the differences between the largest and the smallest, the next ones, and so on. */
function weightsOf(n: number): Float64Array {
  if (n === 3) return Float64Array.of(Math.SQRT1_2);
  // Expected order statistics of a normal sample, by Blom.
  const m = Float64Array.from({ length: n >> 1 }, (_, i) => -ndtri((i + 1 - 0.375) / (n + 0.25)));
  const squares = 2 * m.reduce((sum, value) => sum + value * value, 0);
  const inverseRoot = 1 / Math.sqrt(n);
  const first =
    m[0] / Math.sqrt(squares) + polynomial([0, 0.221157, -0.147981, -2.07119, 4.434685, -2.706056], inverseRoot);
  if (n <= 5) {
    const scale = Math.sqrt((squares - 2 * m[0] ** 2) / (1 - 2 * first ** 2));
    return m.map((value, i) => (i === 0 ? first : value / scale));
  }
  const second =
    m[1] / Math.sqrt(squares) + polynomial([0, 0.042981, -0.293762, -1.752461, 5.682633, -3.582633], inverseRoot);
  const scale = Math.sqrt((squares - 2 * m[0] ** 2 - 2 * m[1] ** 2) / (1 - 2 * first ** 2 - 2 * second ** 2));
  return m.map((value, i) => (i === 0 ? first : i === 1 ? second : value / scale));
}

/** W is turned into what is nearly normal, with a mean and deviation that depend on n. */
function pValueOf(statistic: number, n: number): number {
  if (n === 3) return Math.max(0, (6 / Math.PI) * (Math.asin(Math.sqrt(statistic)) - Math.asin(Math.sqrt(0.75))));
  let y = Math.log(1 - statistic);
  let [mean, deviation] = [0, 0];
  if (n <= 11) {
    const gamma = polynomial([-2.273, 0.459], n);
    if (y >= gamma) return 0;
    y = -Math.log(gamma - y);
    mean = polynomial([0.544, -0.39978, 0.025054, -6.714e-4], n);
    deviation = Math.exp(polynomial([1.3822, -0.77857, 0.062767, -0.0020322], n));
  } else {
    const logN = Math.log(n);
    mean = polynomial([-1.5861, -0.31082, -0.083751, 0.0038915], logN);
    deviation = Math.exp(polynomial([-0.4803, -0.082676, 0.0030302], logN));
  }
  return ndtr(-(y - mean) / deviation);
}

/** Coefficients from the constant up. */
function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduceRight((value, coefficient) => value * x + coefficient, 0);
}
