import type { Interval, SampleSummary } from '@codebeam/eval';

/** A test that may be looked at after every user, and stopped when it pleases. */
export interface AnytimeTest {
  /** Holds at all looks together with 1 - alpha: treatment - control. */
  difference: Interval;
  /** The same in percent of the control's mean. */
  percent: Interval;
  /** Of no difference; the least of all looks so far is valid, too. */
  pValue: number;
}

/**
 * The difference of two groups' means with a confidence sequence, whose intervals hold all at once however often one looks: the
 * normal mixture of Robbins 1970, "Statistical methods related to the law of the iterated logarithm", as the mixture sequential
 * ratio test of Johari, Koomen, Pekelis & Walsh 2017, "Peeking at A/B tests", sec. 4. With V the squared standard error of the
 * difference d, and effects thought to be of the size τ,
 *
 *     interval  d ± sqrt(V (V + τ²) / τ² · log((V + τ²) / (V alpha²)))
 *     p-value   min(1, sqrt((V + τ²) / V) exp(-τ² d² / (2 V (V + τ²))))
 *
 * It holds for any τ that is chosen beforehand, and is narrowest where V is about τ² / 8, which is when an experiment planned for an
 * effect of τ with a power of .8 ends. Variances are those of the sample (Waudby-Smith et al. 2021, "Time-uniform central limit
 * theory", call this asymptotic): do not look before some twenty users a group. Users are what is independent.
 *
 * @param options.effect  τ in percent of the control's mean
 * @throws RangeError when the effect is not above 0, or a group has fewer than two users
 */
export function confidenceSequence(
  treatment: SampleSummary,
  control: SampleSummary,
  { effect, alpha = 0.05 }: { effect: number; alpha?: number },
): AnytimeTest {
  if (!(effect > 0)) {
    throw new RangeError(
      `simulation: effect of a confidence sequence must be above 0 percent, got ${effect}; name the least that matters`,
    );
  }
  if (!(treatment.n >= 2 && control.n >= 2)) {
    throw new RangeError(
      `simulation: groups to test must have two users at least, got ${treatment.n} and ${control.n}; collect more`,
    );
  }
  const mean = treatment.mean - control.mean;
  const inPercent = (value: number) => (100 * value) / Math.abs(control.mean);
  const scaled = (reach: number) => ({
    difference: { mean, low: mean - reach, high: mean + reach },
    percent: { mean: inPercent(mean), low: inPercent(mean - reach), high: inPercent(mean + reach) },
  });
  const error = treatment.variance / treatment.n + control.variance / control.n; // V
  if (error === 0) return { ...scaled(0), pValue: mean === 0 ? 1 : 0 };
  const prior = ((effect / 100) * control.mean) ** 2; // τ²
  // τ²/V apart: V is far below τ² in the end, and far above it in the beginning.
  const information = prior / error;
  const reach = reachOf(error, information, alpha);
  const pValue = Math.min(
    1,
    Math.sqrt(1 + information) * Math.exp((-(mean ** 2) / (2 * error)) * (information / (1 + information))),
  );
  return { ...scaled(reach), pValue };
}

/** Half of an interval: from V and τ²/V. */
export function reachOf(error: number, information: number, alpha: number): number {
  return Math.sqrt(error * (1 + 1 / information) * (Math.log1p(information) - 2 * Math.log(alpha)));
}
