import { type Distance, drawProportionally } from '@codebeam/backend';
import { createGenerator, foldIn, type Key } from '@codebeam/random';
import { assignNearest, subtractCodeVectors } from './kmeans.js';

/**
 * Moves codes that no latent uses to latents, level by level, so that a collapsed codebook comes back to life; after
 * the random restarts of Dhariwal et al. 2020 (Jukebox), sec. 3.1. The residuals are drawn with probability
 * proportional to their distance from the code that they have, as k-means++ does: crowded or distant regions gain codes.
 *
 * @param latents    [N*D]
 * @param codebooks  L x [K*D]; left as they are
 * @returns codebooks L x [K*D] · resets: the codes moved, per level, ascending
 */
export async function resetDeadCodes(
  latents: Float32Array,
  codebooks: readonly Float32Array[],
  { dim, distance, key }: { dim: number; distance: Distance; key: Key },
): Promise<{ codebooks: Float32Array[]; resets: number[][] }> {
  const residuals = latents.slice();
  const renewed: Float32Array[] = [];
  const resets: number[][] = [];
  for (const [level, old] of codebooks.entries()) {
    const codebook = old.slice();
    const { codes, distances } = await assignNearest(residuals, codebook, dim, distance);
    const used = new Set(codes);
    const moved: number[] = [];
    const generator = createGenerator(foldIn(key, level));
    const weights = Float64Array.from(distances);
    for (let code = 0; code < codebook.length / dim; code++) {
      // Where every latent has a code vector of its own, more codes would be copies.
      if (used.has(code) || weights.every((weight) => weight === 0)) continue;
      const point = drawProportionally(weights, generator);
      codebook.set(residuals.subarray(point * dim, (point + 1) * dim), code * dim);
      weights[point] = 0;
      moved.push(code);
    }
    // Latents other than the drawn ones may now be nearer to a moved code.
    const next = moved.length > 0 ? (await assignNearest(residuals, codebook, dim, distance)).codes : codes;
    subtractCodeVectors(residuals, codebook, next, dim, false);
    renewed.push(codebook);
    resets.push(moved);
  }
  return { codebooks: renewed, resets };
}
