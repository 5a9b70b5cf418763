import type { Policy } from '@codebeam/simulation';

/** Which of `ways` buckets of an experiment a user is in, from 0. */
export type Bucket = (user: number, experiment: string, ways: number) => number;

/** Users in as many groups as there are treatments. */
export interface Experiment {
  name: string;
  /** What each group is played by: the control first, then T1, T2 ... Left out, a treatment changes nothing: as in an A/A test. */
  treatments: readonly (Policy | undefined)[];
}

/** C for the control, T1 for the first treatment, and so on. */
export const treatmentName = (bucket: number) => (bucket === 0 ? 'C' : `T${bucket}`);

/**
 * Who is in which group, and what plays for whom: the policy of the first experiment whose treatment has one, else the usual one.
 *
 * @throws RangeError when two experiments share a name, one has no treatments, or there is nothing to draw buckets with
 */
export function assignTreatments(
  experiments: readonly Experiment[],
  usual: Policy,
  bucket?: Bucket,
): (user: number) => { policy: Policy; treatments: Readonly<Record<string, string>> } {
  const names = experiments.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new RangeError(`serving: experiments must have different names, got ${twice} twice; rename one`);
  }
  const empty = experiments.find(({ treatments }) => treatments.length === 0);
  if (empty) throw new RangeError(`serving: experiment ${empty.name} must have treatments, got none; add its control`);
  if (experiments.length > 0 && !bucket) {
    throw new RangeError('serving: experiments must come with a bucket function, got none; pass bucket');
  }
  return (user) => {
    const drawn = experiments.map(({ name, treatments }) => bucket!(user, name, treatments.length));
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
