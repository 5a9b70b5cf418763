import { bucketOf, type Policy, treatmentName } from '@codebeam/simulation';

/** Users in as many groups as there are treatments. */
export interface Experiment {
  name: string;
  /** What each group is played by: the control first, then T1, T2 ... Left out, a treatment changes nothing: as in an A/A test. */
  treatments: readonly (Policy | undefined)[];
}

/**
 * Who is in which group, and what plays for whom: the policy of the first experiment whose treatment has one, else the usual one.
 *
 * @throws RangeError when two experiments share a name, or one has no treatment beside its control
 */
export function assignTreatments(
  experiments: readonly Experiment[],
  usual: Policy,
): (user: number) => { policy: Policy; treatments: Readonly<Record<string, string>> } {
  const names = experiments.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new RangeError(`serving: experiments must have different names, got ${twice} twice; rename one`);
  }
  const ways = experiments.map(({ name, treatments }) => ({ name, ways: treatments.length }));
  for (const experiment of ways) bucketOf(experiment, 0); // throws where there are too few
  return (user) => {
    const drawn = ways.map((experiment) => bucketOf(experiment, user));
    const policies = experiments.map(({ treatments }, i) => treatments[drawn[i]]);
    return {
      policy: policies.find((policy) => policy !== undefined) ?? usual,
      treatments: Object.fromEntries(names.map((name, i) => [name, treatmentName(drawn[i])])),
    };
  };
}

/** A metric of an experiment's users, by treatment. */
export interface MeasuredMetric {
  metric: string;
  treatments: readonly {
    treatment: string;
    users: number;
    mean: number;
    /** Against the control, in percent of its mean, with the 95 % interval; none for the control itself. */
    effect?: { percent: number; low: number; high: number; isSignificant: boolean };
  }[];
}

/** What the log's files say of each experiment so far. */
export type AnalyseLog = (files: readonly string[]) => Promise<Readonly<Record<string, readonly MeasuredMetric[]>>>;
