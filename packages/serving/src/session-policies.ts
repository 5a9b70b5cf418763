import { type Catalogue, makePolicies, type Policy } from '@codebeam/simulation';
import type { ServeConfig } from './serve-config.js';
import type { PlayedBy, SessionPolicies } from './service-context.js';

/**
 * The policies that a config speaks of, each made once.
 *
 * @param catalogue  that the config's policies play from, where it has one
 * @throws RangeError naming what is wrong in files of lists
 */
export async function sessionPolicies(
  { policies, policy, experiments }: Pick<ServeConfig, 'policies' | 'policy' | 'experiments'>,
  catalogue: Catalogue | undefined,
  { playedBy, pathOf }: { playedBy: PlayedBy; pathOf: (name: string) => string },
): Promise<SessionPolicies> {
  const made = new Map<string, Policy>();
  const others: Record<string, Exclude<ServeConfig['policies'][string], { type: 'model' }>> = {};
  for (const [name, one] of Object.entries(policies)) {
    if (one.type === 'model') made.set(name, { ...playedBy(one.model), name });
    else others[name] = one;
  }
  if (catalogue) {
    const names = Object.keys(others);
    const list = await makePolicies(names, others, { catalogue, pathOf, made });
    for (const [i, name] of names.entries()) made.set(name, list[i]);
  }
  return {
    ...(policy !== undefined && { policy: made.get(policy)! }),
    experiments: experiments.map(({ name, treatments }) => ({
      name,
      treatments: treatments.map((treatment) => made.get(treatment)),
    })),
  };
}
