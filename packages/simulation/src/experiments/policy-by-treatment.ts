import { askPolicy, type Choice, type Policy, type Turn } from '../policy.js';
import { bucketOf, type Experiment } from './buckets.js';

/**
 * Puts each user under the policy of the user's treatment.
 *
 * @param policies  one for each way, the control's first
 * @throws RangeError when they are not as many as ways
 */
export function policyByTreatment(experiment: Experiment, policies: readonly Policy[]): Policy {
  const { name, ways } = experiment;
  if (policies.length !== ways) {
    throw new RangeError(
      `simulation: policies of experiment ${name} must be as many as its ${ways} ways, got ${policies.length}; give one for each, the control's first`,
    );
  }
  const buckets = new Map<number, number>();
  function bucketFor(user: number): number {
    let bucket = buckets.get(user);
    if (bucket === undefined) {
      bucket = bucketOf(experiment, user);
      buckets.set(user, bucket);
    }
    return bucket;
  }
  function split(turns: readonly Turn[]): Turn[][] {
    const groups = policies.map((): Turn[] => []);
    for (const turn of turns) groups[bucketFor(turn.user)].push(turn);
    return groups;
  }
  return {
    name,
    async next(turns) {
      // One after another, or none could tell its own time from that of the others.
      const choices: Iterator<Choice>[] = [];
      for (const [i, group] of split(turns).entries()) {
        const asked = performance.now();
        const own = group.length > 0 ? await askPolicy(policies[i], group) : [];
        const latency = (performance.now() - asked) / 1000;
        choices.push(own.map((choice) => ({ latency, ...choice })).values());
      }
      return turns.map(({ user }) => choices[bucketFor(user)].next().value);
    },
    async last(turns) {
      await Promise.all(split(turns).map((group, i) => (group.length > 0 ? policies[i].last?.(group) : undefined)));
    },
  };
}
