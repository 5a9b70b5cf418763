/** The test part, which can be had once and by the final evaluation only. */
export interface SealedTest<T> {
  /** How many cases or rows there are. */
  readonly size: number;
  /**
   * @param opener  who opens; only 'evaluate' may
   * @throws Error when another opens, or when the test is open already
   */
  open(opener: 'evaluate'): T;
}

/** Model selection sees validation only, hence the seal. */
export function sealTest<T>(size: number, content: () => T): SealedTest<T> {
  let isOpen = false;
  return {
    size,
    open(opener) {
      if (opener !== 'evaluate') {
        throw new Error(
          `data: the test split must be opened by evaluate, got ${JSON.stringify(opener)}; choose models on validation`,
        );
      }
      if (isOpen) {
        throw new Error(
          'data: the test split must be opened once, got a second opening; keep the cases of the first, or choose ' +
            'models on validation',
        );
      }
      isOpen = true;
      return content();
    },
  };
}
