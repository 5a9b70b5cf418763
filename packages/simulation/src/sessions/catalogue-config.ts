import { z } from 'zod';
import { type Catalogue, loadCatalogue, syntheticCatalogue } from './catalogue.js';

const count = z.int().positive();
const path = z.string().min(1);
const shared = {
  genres: count.default(48),
  width: z.int().min(4).default(32).describe('D, of embeddings'),
  seed: z.int().nonnegative().default(42).describe('of what is made up; the run has a seed of its own'),
};

/** Tracks of listening sessions: made up, or from files. */
export const catalogueSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('synthetic'), tracks: count.default(5000), artists: count.optional(), ...shared }),
  z.strictObject({
    type: z.literal('files'),
    tracks: path,
    topTracks: path.optional(),
    embeddings: path.optional().describe('.npy of [tracks, D]; made up when left out'),
    ...shared,
  }),
]);
export type CatalogueConfig = z.output<typeof catalogueSchema>;

/**
 * @param pathOf  path of a file that the config names
 * @throws RangeError naming what is wrong in files
 */
export async function makeCatalogue(config: CatalogueConfig, pathOf: (name: string) => string): Promise<Catalogue> {
  if (config.type === 'files') {
    const { tracks, topTracks, embeddings, ...options } = config;
    return loadCatalogue(
      {
        tracks: pathOf(tracks),
        ...(topTracks !== undefined && { topTracks: pathOf(topTracks) }),
        ...(embeddings !== undefined && { embeddings: pathOf(embeddings) }),
      },
      options,
    );
  }
  const { artists, ...options } = config;
  return syntheticCatalogue({ ...options, ...(artists !== undefined && { artists }) });
}
