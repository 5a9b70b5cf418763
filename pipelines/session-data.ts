import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeParquet } from '@codebeam/data';
import {
  type Catalogue,
  type CatalogueConfig,
  catalogueSchema,
  type Listeners,
  listensOf,
  makeCatalogue,
  policyByTreatment,
  randomPolicy,
  simulateSessions,
  stickyArtistPolicy,
  syntheticListeners,
  topPopularPolicy,
  writeListens,
} from '@codebeam/simulation';
import type { PipelineConfig } from './config.js';

/** Made-up listeners, and what there is to listen to. */
export interface World {
  catalogue: Catalogue;
  users: Listeners;
}

type SessionsConfig = NonNullable<PipelineConfig['fetch-data']['sessions']>;

/** The catalogue as a config of the service has it. */
export function catalogueConfig({ tracks }: Pick<SessionsConfig, 'tracks'>, seed: number): CatalogueConfig {
  return catalogueSchema.parse({ type: 'synthetic', tracks, seed });
}

/** The world of a config: the same whenever it is made. */
export async function createWorld(sizes: Omit<SessionsConfig, 'episodes'>, seed: number): Promise<World> {
  const catalogue = await makeCatalogue(catalogueConfig(sizes, seed), (name) => name);
  const { users } = sizes;
  return { catalogue, users: syntheticListeners(catalogue, { seed, users }) };
}

/**
 * Simulates the log of a service that knows no model yet, and writes what came of it as raw files: `listens.parquet`, the tracks that
 * were listened to nearly in full, and `tracks.parquet`. A third of the users each is played random tracks, tracks of the last one's
 * artist and the most popular ones.
 *
 * Nothing is written of the embeddings: tastes are made of them, so that a model which saw them would be told what it is to find out.
 */
export async function writeSessionData(folder: string, { episodes, ...size }: SessionsConfig, seed: number) {
  const { catalogue, users } = await createWorld(size, seed);
  const policies = [randomPolicy(catalogue), stickyArtistPolicy(catalogue), topPopularPolicy(catalogue)];
  const policy = policyByTreatment({ name: 'LOGS', ways: policies.length }, policies);
  const log = await simulateSessions({ catalogue, users, policy, episodes, seed });
  await mkdir(folder, { recursive: true });
  // Which users and tracks were met too seldom is for prepare-data to say.
  await writeListens(join(folder, 'listens.parquet'), await listensOf(log, { minInteractions: 1 }));
  await writeTracks(join(folder, 'tracks.parquet'), catalogue);
}

/** A row for each track. Names are written as one word each: as texts, artist 5 and genre 5 have nothing in common. */
async function writeTracks(path: string, catalogue: Catalogue): Promise<void> {
  const { titles, artists, artistNames, genres, genreNames } = catalogue;
  const word = (name: string) => name.replaceAll(' ', '');
  await writeParquet(path, {
    track: { type: 'string', values: Array.from(titles.keys(), String) },
    title: { type: 'string', values: titles.map(word) },
    artist: { type: 'string', values: Array.from(artists, (artist) => word(artistNames[artist])) },
    genre: { type: 'string', values: Array.from(genres, (genre) => word(genreNames[genre])) },
  });
}
