/** How one level's codes are used by the items. */
export interface LevelUsage {
  /** [K] items per code. */
  counts: number[];
  /** Share of the codes that at least one item has, in [0, 1]. */
  usage: number;
  /** Entropy of the code of a random item, in bits; log2 K when all are equally used. */
  entropy: number;
  /** 2^entropy: as many equally used codes would have this entropy. */
  perplexity: number;
}

/**
 * Usage of each level's codebook.
 *
 * @param codes         [N*width] row major, at least L codes a row
 * @param codebookSize  K
 */
export function codebookUsage(
  codes: Int32Array,
  { levels, codebookSize, width = levels }: { levels: number; codebookSize: number; width?: number },
): LevelUsage[] {
  return Array.from({ length: levels }, (_, level) => {
    const counts = Array<number>(codebookSize).fill(0);
    for (let at = level; at < codes.length; at += width) counts[codes[at]]++;
    const entropy = entropyOf(counts);
    return {
      counts,
      usage: counts.filter((count) => count > 0).length / codebookSize,
      entropy,
      perplexity: 2 ** entropy,
    };
  });
}

/** Entropy in bits of a distribution given by counts. */
export function entropyOf(counts: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  let entropy = 0;
  for (let i = 0; i < counts.length; i++) {
    if (counts[i] > 0) entropy -= (counts[i] / total) * Math.log2(counts[i] / total);
  }
  return entropy;
}
