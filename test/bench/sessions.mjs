// Simulated listening sessions a second in process, of policies that cost little: the median of 5 passes after one to warm up. Steps
// are recommendations. Random numbers, the catalogue and the nearest tracks of each interest are there before the clock starts.
import {
  indexedInOrderPolicy,
  randomPolicy,
  simulateSessions,
  stickyArtistPolicy,
  syntheticCatalogue,
  syntheticListeners,
} from '@codebeam/simulation';
import { median } from './beauty.mjs';

export async function run({ users: count = '10000', items }) {
  const catalogue = syntheticCatalogue({ seed: 42, tracks: Number(items) });
  const users = syntheticListeners(catalogue, { seed: 42, users: Number(count) });
  const lists = new Map(
    Array.from({ length: users.numUsers }, (_, user) => [
      user,
      Int32Array.from({ length: 100 }, (_, place) => (user * 31 + place * 17) % catalogue.numTracks),
    ]),
  );
  const random = randomPolicy(catalogue);
  const rates = {};
  const episodes = 20_000;
  for (const policy of [random, stickyArtistPolicy(catalogue), indexedInOrderPolicy(lists, random)]) {
    const passes = [];
    const perCore = [];
    for (let pass = 0; pass < 6; pass++) {
      const start = performance.now();
      const before = process.cpuUsage();
      const log = await simulateSessions({ catalogue, users, policy, episodes, seed: 1 });
      const { user, system } = process.cpuUsage(before);
      const steps = log.users.length - episodes;
      if (pass === 0) continue; // finds the nearest tracks, too
      passes.push(steps / ((performance.now() - start) / 1000));
      perCore.push(steps / ((user + system) / 1e6));
    }
    rates[policy.name] = Math.round(median(passes));
    console.log(
      `${policy.name}: ${rates[policy.name]} steps/s, ${Math.round(median(perCore))} a second of processor time; ${catalogue.numTracks} tracks, ${users.numUsers} users`,
    );
  }
  return { stepsPerSecond: rates.random, byPolicy: rates, model: 'sessions' };
}
