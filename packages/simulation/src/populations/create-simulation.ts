import { createGenerator, createKey, foldIn, type Generator } from '@codebeam/random';
import { type Choose, chooseBest } from './choose-items.js';
import { type Creators, createItems } from './creators.js';
import { type Diagnosis, diagnose } from './diagnose.js';
import type { Measured, Measurement } from './measurement.js';
import type { Population } from './population.js';
import { createPresentation, type Interleave, type PresentOptions } from './present-items.js';
import {
  appendProfiles,
  checkWidth,
  copyProfiles,
  filledProfiles,
  normalProfiles,
  type Profiles,
  profileOf,
} from './profiles.js';
import type { ItemSet } from './rank-items.js';
import { innerProduct, profileScorer, type ScoreFunction } from './score-functions.js';
import { slerp } from './slerp.js';
import type { StateVariable } from './state-history.js';
import { type KeyOf, streams } from './streams.js';
import type { AddUsersOptions, Model, System } from './system.js';

/** Who the users are, and how they behave. */
export interface Users {
  /** [U, A] from N(0, 1) when left out, A as actual items have it. */
  profiles?: Profiles;
  /** What they think of items; {@link innerProduct} when left out. */
  scoreFn?: ScoreFunction;
  /** Share of the angle by which a profile turns to the item of each interaction, 0 to 1; 0 when left out. */
  drift?: number;
  /** Of the place in what {@link chooseBest} multiplies scores by; 0 when left out. */
  attentionExp?: number;
  /** False: what a user has met is hidden from them. */
  repeatInteractions?: boolean;
  /** How they choose, in place of the two above. */
  choose?: Choose;
}

export interface SimulationOptions {
  model: Model;
  /** U; as many as there are profiles, or 100. */
  numUsers?: number;
  /** I; as many as there are profiles, or 1250. */
  numItems?: number;
  /** Items shown to a user in a step, or `all`, those made later included; 10 when left out. */
  numItemsPerIter?: number | 'all';
  users?: Users;
  /** [I, A] what the items are. When left out: what the system believes of them at the beginning. */
  items?: Profiles;
  creators?: Creators;
  /** Draws places of the ranking by {@link rankWeights} each step, the same for all users, instead of taking the first. */
  probabilisticRecommendations?: boolean;
  /** Items that are shown besides those recommended; random ones when left out. */
  interleave?: Interleave;
  measurements?: readonly Measurement[];
  /** What is recorded after each step. */
  state?: readonly StateVariable[];
  /** 42 when left out. */
  seed?: number;
  /** Called after each step. */
  onStep?: (population: Population) => void;
}

export interface RunOptions extends PresentOptions {
  /** Steps, or until the system says that nothing more will happen; 50 when left out. */
  timesteps?: number | 'until-completion';
  /** Trains the system after each step; true unless the model says otherwise. */
  trainBetweenSteps?: boolean;
  /** True: creators make nothing. */
  noNewItems?: boolean;
}

export interface Simulation extends Population {
  /** Steps of present, interact, update, measure. */
  run(options?: RunOptions): Promise<void>;
  /** Steps that show random items and train nothing, then one training. */
  startupAndTrain(timesteps?: number, options?: Pick<RunOptions, 'noNewItems'>): Promise<void>;
  /** Lets the system learn from what it has noted, and computes its scores anew. */
  train(): Promise<void>;
  /** Lets users join. */
  addUsers(profiles: Profiles, options?: AddUsersOptions): void;
  /** Measures at once, and after each step from now on. */
  addMeasurements(...measurements: readonly Measurement[]): void;
  /** By name the values before any step and after each; null where there is none. Diagnostics are `name.statistic`. */
  readonly measurements: Readonly<Record<string, Measured[]>>;
  /** By name what was recorded before any step and after each. */
  readonly states: Readonly<Record<string, Profiles[]>>;
}

/**
 * A population of users before a recommender system, after T-RECS (Lucherini, Sun, Winecoff & Narayanan 2021, "T-RECS: A simulation tool
 * to study the societal impact of recommender systems"). Equal options and seed give equal histories.
 *
 * Scores are computed a user at a time and ties drawn only where a list is cut, so memory goes with U and I, not with their product.
 *
 * Differs from T-RECS: `repeatedItems: false` hides whatever a user has met, in earlier runs too; a list that a recommender cannot fill is
 * filled with random items; profiles drift past items of zeros unchanged.
 *
 * @throws RangeError when numbers of users, items or attributes do not go together
 */
export async function createSimulation(options: SimulationOptions): Promise<Simulation> {
  const { model, seed = 42, creators, state = [], onStep } = options;
  const { scoreFn = innerProduct, drift = 0, choose = chooseBest(options.users) } = options.users ?? {};
  const root = createKey(seed, 'sample');
  const keyOf: KeyOf = (stream, step) => foldIn(foldIn(root, streams.indexOf(stream)), step);

  const numUsers = sizeOf('users', options.numUsers, options.users?.profiles, 100);
  const numItems = sizeOf('items', options.numItems, options.items, 1250);
  const random = createGenerator(keyOf('model', 0));
  const system: System = model({ numUsers, numItems, random });
  const items = options.items ? copyProfiles(options.items) : actualItems(system, numItems);
  const users = options.users?.profiles
    ? copyProfiles(options.users.profiles)
    : normalProfiles(numUsers, items.width, createGenerator(keyOf('users', 0)));
  checkSystem(system, numUsers, numItems);
  if (!(drift >= 0 && drift <= 1)) throw new RangeError(`simulation: drift must be from 0 to 1, got ${drift}`);
  const makers = creators && { ...creators, profiles: copyProfiles(creators.profiles) };

  const interactions: Int32Array[] = [];
  const measurements: Record<string, Measured[]> = {};
  const states: Record<string, Profiles[]> = {};
  const measured: Measurement[] = [];
  /** Copies of what profiles were at the last training, while they change without one. */
  let frozen: { users: Profiles; items: Profiles } | undefined;

  const population: { -readonly [K in keyof Population]: Population[K] } = {
    step: 0,
    numUsers,
    numItems,
    users,
    items,
    ...(makers && { creators: makers.profiles }),
    system,
    actualScores: profileScorer(users, items, scoreFn),
    interactions,
    random: (purpose, user = 0) =>
      createGenerator(foldIn(foldIn(keyOf('measure', population.step), hashOf(purpose)), user)),
  };

  /** The system's scores as of its last training. */
  function scorePredictions(): void {
    if (system.recommend) return;
    population.predictedScores = system.scores
      ? system.scores()
      : profileScorer(frozen?.users ?? system.users!, frozen?.items ?? system.items!, system.scoreFn ?? innerProduct);
  }

  async function train(): Promise<void> {
    await system.train?.();
    frozen = undefined;
    scorePredictions();
  }

  /** Keeps scores as they are while updates change what they were made of. */
  function freeze(): void {
    if (frozen || system.recommend || system.scores) return;
    frozen = { users: copyProfiles(system.users!), items: copyProfiles(system.items!) };
    scorePredictions();
  }

  function addItems(added: Profiles): void {
    if (!system.addItems) {
      throw new RangeError(
        'simulation: model must have addItems for creators, got none; say what it makes of new items',
      );
    }
    appendProfiles(items, added, 'items');
    system.addItems(added);
    population.numItems += added.rows;
    if (frozen) appendProfiles(frozen.items, newRows(system.items!, frozen.items.rows), 'items');
    population.actualScores = profileScorer(users, items, scoreFn);
    scorePredictions();
  }

  function addUsers(profiles: Profiles, how: AddUsersOptions = {}): void {
    if (!system.addUsers) {
      throw new RangeError('simulation: model must have addUsers for new users, got none; say what it makes of them');
    }
    checkWidth(users, profiles, 'users');
    const key = foldIn(keyOf('addUsers', population.step), population.numUsers);
    system.addUsers(profiles, how, createGenerator(key)); // may refuse them, so it comes first
    appendProfiles(users, profiles, 'users');
    population.numUsers += profiles.rows;
    if (frozen) appendProfiles(frozen.users, newRows(system.users!, frozen.users.rows), 'users');
    scorePredictions();
  }

  let lastMeeting = new Int32Array(0); // [I] the last call whose user has met the item
  let calls = 0;
  /** What a user has met; good until the next call. */
  function consumedBy(user: number): ItemSet {
    if (lastMeeting.length < population.numItems || calls === 2 ** 31 - 1) {
      lastMeeting = new Int32Array(population.numItems);
      calls = 0;
    }
    calls++;
    let size = 0;
    for (const step of interactions) {
      if (user >= step.length || lastMeeting[step[user]] === calls) continue;
      lastMeeting[step[user]] = calls;
      size++;
    }
    return { size, has: (item) => lastMeeting[item] === calls };
  }

  const present = createPresentation({ ...options, population, keyOf, consumedBy });

  /** [U] the item that each user interacts with. */
  function interact(shown: { k: number; items: Int32Array }): Int32Array {
    const { k } = shown;
    const { numUsers, actualScores } = population;
    const chosen = new Int32Array(numUsers);
    const scores = new Float64Array(k);
    const key = keyOf('choose', population.step);
    let user = 0;
    let own: Generator | undefined;
    let met: ItemSet | undefined;
    const choice = {
      user,
      shown: shown.items,
      scores,
      isConsumed(item: number) {
        met ??= consumedBy(user);
        return met.has(item);
      },
      get random() {
        own ??= createGenerator(foldIn(key, user));
        return own;
      },
    };
    for (; user < numUsers; user++) {
      own = undefined;
      met = undefined;
      choice.user = user;
      choice.shown = shown.items.subarray(user * k, (user + 1) * k);
      actualScores.writeOf(user, choice.shown, scores);
      const place = choose(choice);
      if (!(Number.isInteger(place) && place >= 0 && place < k)) {
        throw new RangeError(`simulation: choices must be places from 0 to ${k - 1} of those shown, got ${place}`);
      }
      chosen[user] = choice.shown[place];
    }
    return chosen;
  }

  function driftUsers(chosen: Int32Array): void {
    for (let user = 0; user < chosen.length; user++) {
      const profile = profileOf(users, user);
      profile.set(slerp(profile, profileOf(items, chosen[user]), drift));
    }
  }

  function measureWith(measurement: Measurement): void {
    const value = measurement.measure(population);
    push(measurements, measurement.name, typeof value === 'number' && !Number.isFinite(value) ? null : value);
    if (!measurement.observations) return;
    const observations = measurement.observations();
    const diagnosis: Partial<Diagnosis> = observations ? diagnose(observations) : {};
    for (const statistic of diagnosed) {
      const value = diagnosis[statistic] ?? null;
      push(measurements, `${measurement.name}.${statistic}`, Number.isNaN(value) ? null : value);
    }
  }

  function recordStates(): void {
    for (const { name, record } of state) push(states, name, record(population));
  }

  async function run(asked: RunOptions = {}): Promise<void> {
    const runOptions = { ...system.runDefaults, ...withoutUndefined(asked) };
    const { timesteps = 50, trainBetweenSteps = true, noNewItems = false } = runOptions;
    if (timesteps !== 'until-completion' && !(Number.isInteger(timesteps) && timesteps >= 0)) {
      throw new RangeError(
        `simulation: timesteps must be a whole number from 0, or until-completion, got ${timesteps}`,
      );
    }
    if (timesteps === 'until-completion' && !system.isComplete) {
      throw new RangeError(
        'simulation: timesteps must be a number for a system that never completes, got until-completion; say how many',
      );
    }
    system.begin?.();
    if (!trainBetweenSteps) freeze();
    const isOver = (done: number) => (timesteps === 'until-completion' ? system.isComplete!() : done >= timesteps);
    for (let done = 0; !isOver(done); done++) {
      if (makers && !noNewItems) {
        const added = createItems(makers, createGenerator(keyOf('creators', population.step)));
        if (added.rows > 0) addItems(added);
      }
      population.shown = await present(runOptions);
      const chosen = interact(population.shown);
      interactions.push(chosen);
      system.update?.(chosen, createGenerator(keyOf('update', population.step)));
      makers?.update?.(makers.profiles, chosen, items);
      if (drift > 0) driftUsers(chosen);
      if (trainBetweenSteps) await train();
      population.step++;
      recordStates();
      for (const measurement of measured) measureWith(measurement);
      onStep?.(population);
    }
  }

  function addMeasurements(...added: readonly Measurement[]): void {
    for (const measurement of added) {
      if (measured.some(({ name }) => name === measurement.name)) {
        throw new RangeError(`simulation: measurements must differ in name, got ${measurement.name} twice`);
      }
      measured.push(measurement);
      measureWith(measurement);
    }
  }

  await train();
  recordStates();
  addMeasurements(...(options.measurements ?? []));
  return Object.assign(population, {
    measurements,
    states,
    run,
    train,
    addUsers,
    addMeasurements,
    async startupAndTrain(timesteps = 50, { noNewItems = false }: Pick<RunOptions, 'noNewItems'> = {}) {
      await run({ timesteps, startup: true, trainBetweenSteps: false, noNewItems });
      await train();
    },
  });
}

const diagnosed = [
  'mean',
  'std',
  'median',
  'min',
  'max',
  'skew',
  'kurtosis',
  'sw_stat',
  'sw_p',
  'n',
] as const satisfies readonly (keyof Diagnosis)[];

function push<T>(lists: Record<string, T[]>, name: string, value: T): void {
  lists[name] ??= [];
  lists[name].push(value);
}

function withoutUndefined(options: RunOptions): RunOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function sizeOf(what: string, given: number | undefined, profiles: Profiles | undefined, otherwise: number): number {
  const size = given ?? profiles?.rows ?? otherwise;
  if (!Number.isInteger(size) || size < 1) {
    throw new RangeError(`simulation: number of ${what} must be a positive integer, got ${size}`);
  }
  if (profiles && profiles.rows !== size) {
    throw new RangeError(`simulation: ${what} must be ${size} as asked for, got profiles of ${profiles.rows}`);
  }
  return size;
}

/** As T-RECS has it: what the system believes at the beginning is true. Of a system without beliefs, nothing tells items apart. */
function actualItems(system: System, numItems: number): Profiles {
  return system.items && !system.scores && !system.recommend ? copyProfiles(system.items) : filledProfiles(numItems, 1);
}

function checkSystem(system: System, numUsers: number, numItems: number): void {
  if (system.recommend || system.scores) return;
  const { users, items } = system;
  if (!users || !items) {
    throw new RangeError('simulation: model must give users and items, scores, or recommend, got none of these');
  }
  if (users.rows !== numUsers || items.rows !== numItems) {
    throw new RangeError(
      `simulation: model must give ${numUsers} users and ${numItems} items, got ${users.rows} and ${items.rows}`,
    );
  }
}

const newRows = ({ rows, width, values }: Profiles, from: number): Profiles => ({
  rows: rows - from,
  width,
  values: values.slice(from * width),
});

/** A number of a name: FNV-1a. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193) >>> 0;
  return hash;
}
