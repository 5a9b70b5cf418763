import { createGenerator, createKey } from '@codebeam/random';
import type { TextEncoder } from './text-encoder.js';

/**
 * A control: standard normal vectors that know nothing of the texts, so that semantic IDs made of them carry no
 * meaning ("random IDs", Rajput et al. 2023, sec. 4.3).
 */
export function createRandomEncoder({ dim }: { dim: number }, seed: number): TextEncoder {
  return {
    id: `random ${dim}`,
    dim,
    encode: async (texts) => {
      const generator = createGenerator(createKey(seed, 'init'));
      return Float32Array.from({ length: texts.length * dim }, () => generator.normal()); // [N*E]
    },
  };
}
