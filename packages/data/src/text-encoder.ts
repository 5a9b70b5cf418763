/** Turns texts into vectors. Implementations: `tfidf-svd` (no download), `transformers` (optional peer), `random` (a control). */
export interface TextEncoder {
  /** Names the encoder and its model in manifests and embedding files. */
  readonly id: string;
  /** E, the width of its vectors. */
  readonly dim: number;
  /**
   * Vectors of texts, in their order.
   *
   * An encoder may learn from the texts it is given (`tfidf-svd` does): encode a catalogue in one call, and compare
   * vectors of one call only.
   *
   * @returns [N*E] float32, row major
   */
  encode(texts: readonly string[]): Promise<Float32Array>;
}
