import type { Policy } from '@codebeam/simulation';
import type { EventLog } from './event-log.js';
import type { AnalyseLog, Experiment } from './experiments.js';
import type { Metrics } from './metrics.js';
import type { ModelSlot } from './model-slot.js';
import type { UserStore } from './state/user-state.js';
import type { TrackNumbers } from './track-numbers.js';

/** What routes share. */
export interface ServiceContext extends Required<SessionPolicies> {
  slots: ReadonlyMap<string, ModelSlot>;
  /** @throws RequestError 404 when there is no such model */
  slotOf(name?: string): ModelSlot;
  /** Left out: items of the first model are the tracks. */
  describeTrack?: (track: number) => object | undefined;
  analyse?: AnalyseLog;
  log?: EventLog;
  tracks: TrackNumbers;
  store: UserStore;
  metrics: Metrics;
  limits: Limits;
  seed: number;
  isClosing(): boolean;
  onError: (error: unknown) => void;
}

/** The policy that plays what a served model recommends. */
export type PlayedBy = (model: string) => Policy;

export interface SessionPolicies {
  /** What plays next for users whom no experiment gives another policy; the first model where it is left out. */
  policy?: Policy;
  experiments?: readonly Experiment[];
}

/** The most that a request may ask for, and what is kept of a user. */
export interface Limits {
  k: number;
  beamWidth: number;
  history: number;
  /** Items of a filter. */
  filter: number;
  bodyBytes: number;
  /** Tracks of a user that are kept, and of a session. */
  listened: number;
  session: number;
}
