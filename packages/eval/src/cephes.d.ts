/** The part of cephes that we use: its own types are not among the exports of its package. */
declare module 'cephes' {
  /** Resolves when the functions can be called. */
  export const compiled: Promise<void>;
  /** Regularised incomplete beta function of a, b > 0 and x in [0, 1]. */
  export function incbet(a: number, b: number, x: number): number;
  /** Its inverse: the x at which it is y. */
  export function incbi(a: number, b: number, y: number): number;
  /** Standard normal distribution function. */
  export function ndtr(x: number): number;
  /** Its inverse: the x below which a standard normal falls with probability y. */
  export function ndtri(y: number): number;
}
