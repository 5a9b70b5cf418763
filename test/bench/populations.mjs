// Steps of a simulated population: T-RECS' own example, or a large one, with its time and the most memory that the process held.
import { createGenerator, createKey } from '@codebeam/random';
import { bernoulliProfiles, createSimulation, normalProfiles, popularity } from '@codebeam/simulation';
import { median } from './beauty.mjs';

/**
 * @param options.model  popularity, or profiles: inner products of 8 attributes
 * @param options.users  and items and steps: those of T-RECS' notebook when left out; more than 10^8 pairs run once
 */
export async function run({ model = 'popularity', users = '1500', items = '1250', steps = '10' }) {
  const [numUsers, numItems, timesteps] = [users, items, steps].map(Number);
  const random = createGenerator(createKey(1, 'init'));
  const profiles = () => ({
    users: normalProfiles(numUsers, 8, random),
    items: bernoulliProfiles(numItems, 8, random),
  });
  const passes = numUsers * numItems > 1e8 ? 1 : 6;
  const times = [];
  for (let pass = 0; pass < passes; pass++) {
    const [start, cpu] = [performance.now(), process.cpuUsage()];
    const simulation = await createSimulation({
      model: model === 'profiles' ? profiles : popularity,
      numUsers,
      numItems,
    });
    await simulation.run({ timesteps });
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    console.log(
      `${model}, ${numUsers} users, ${numItems} items, ${timesteps} steps: ${seconds.toFixed(3)} s, ${((user + system) / 1e6).toFixed(3)} s of CPU`,
    );
    if (pass > 0 || passes === 1) times.push(seconds);
  }
  const peakMebibytes = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(`peak resident memory: ${peakMebibytes} MiB, TensorFlow.js and all`);
  return { seconds: median(times), peakMebibytes, model: `${model}, ${numUsers} x ${numItems} x ${timesteps}` };
}
