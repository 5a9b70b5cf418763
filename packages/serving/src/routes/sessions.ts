import { createGenerator, createKey, foldIn } from '@codebeam/random';
import type { SessionEvent } from '@codebeam/simulation';
import { z } from 'zod';
import type { Service } from '../create-app.js';
import { assignTreatments } from '../experiments.js';
import { RequestError } from '../request-error.js';
import type { ServiceContext } from '../service-context.js';
import { createUserUpdates, currentState, type UserState } from '../state/user-state.js';
import { describeItem } from './items.js';

const userError = 'a user is a whole number below 2^31';

const turnSchema = {
  params: z.object({
    user: z
      .string()
      .regex(/^\d{1,10}$/, userError)
      .transform(Number)
      .refine((user) => user < 2 ** 31, userError),
  }),
  body: z.object({
    track: z.int().min(0).describe('what was played'),
    time: z.number().min(0).max(1).describe('the share of it that was listened to'),
  }),
};

/** Sessions of a listener who is played one track after another, as botify has them: tracks and users are whole numbers. */
export function addSessionRoutes(app: Service, context: ServiceContext): void {
  const { store, log, metrics, limits, seed, policy, experiments, tracks } = context;
  const users = createUserUpdates(store);
  const assign = assignTreatments(experiments, policy);
  const key = createKey(seed, 'sample');
  const describeTrack = context.describeTrack ?? itemTrack(context);

  function checkTrack(track: number): void {
    if (!describeTrack(track)) throw new RequestError(400, `track must be one of the catalogue, got ${track}`);
  }

  async function write(event: SessionEvent): Promise<void> {
    await log?.append(event);
    metrics.event(event.message);
  }

  app.get(
    '/track/:id',
    {
      schema: {
        summary: 'A track',
        params: z.object({ id: z.string() }),
        response: { 200: z.looseObject({ track: z.int() }) },
      },
    },
    async ({ params: { id } }) => {
      const track = /^\d{1,10}$/.test(id) ? describeTrack(Number(id)) : undefined;
      if (!track) throw new RequestError(404, `track must be one of the catalogue, got ${id}`);
      return { track: Number(id), ...track };
    },
  );

  app.post(
    '/next/:user',
    {
      schema: {
        summary: 'A track has been played: what comes next?',
        ...turnSchema,
        response: { 200: z.object({ user: z.int(), track: z.int() }) },
      },
    },
    async ({ params: { user }, body: { track, time } }) => {
      const started = performance.now();
      checkTrack(track);
      const { policy, treatments } = assign(user);
      const recommendation = await users.update(String(user), async (before) => {
        const state = currentState(before, tracks.numbering);
        const played = play(state, track);
        const [choice] = await policy.next([
          {
            user,
            track,
            time,
            session: played.session,
            ...(state.memory?.policy === policy.name && { memory: state.memory.value }),
            random: createGenerator(foldIn(foldIn(key, user), state.turns)),
          },
        ]);
        const memory = choice.memory === undefined ? undefined : { policy: policy.name, value: choice.memory };
        return { state: memory ? { ...played, memory } : played, result: choice.track };
      });
      const latency = secondsSince(started);
      await write({
        message: 'next',
        timestamp: Date.now(),
        user,
        track,
        time,
        latency,
        recommendation,
        experiments: treatments,
      });
      return { user, track: recommendation };
    },
  );

  app.post(
    '/last/:user',
    {
      schema: {
        summary: 'A track has been played, and the session is over',
        ...turnSchema,
        response: { 200: z.object({ user: z.int() }) },
      },
    },
    async ({ params: { user }, body: { track, time } }) => {
      const started = performance.now();
      checkTrack(track);
      await users.update(String(user), async (state) => ({
        state: { ...play(currentState(state, tracks.numbering), track), session: [] },
        result: undefined,
      }));
      await write({
        message: 'last',
        timestamp: Date.now(),
        user,
        track,
        time,
        latency: secondsSince(started),
        recommendation: null,
        experiments: assign(user).treatments,
      });
      return { user };
    },
  );

  function play(state: UserState, track: number): UserState {
    return {
      ...state,
      session: [...state.session.slice(1 - limits.session), track],
      listened: [...state.listened.slice(1 - limits.listened), track],
      turns: state.turns + 1,
    };
  }
}

/** Items of the usual model as tracks. */
function itemTrack({ slotOf, tracks }: ServiceContext): (track: number) => object | undefined {
  return (track) => {
    const { model } = slotOf().current;
    const item = tracks.itemOf(track, model.catalogue);
    return item === undefined ? undefined : describeItem(model, item, 'whole');
  };
}

const secondsSince = (started: number) => Math.round((performance.now() - started) * 1000) / 1e6;
