import { describe, expect, it } from 'vitest';
import { codebookUsage, entropyOf } from './codebook-usage.js';

describe('codebookUsage', () => {
  it('counts codes per level, with entropy in bits and perplexity', () => {
    const [first, second] = codebookUsage(Int32Array.of(0, 3, 0, 3, 1, 3, 1, 3), { levels: 2, codebookSize: 4 });
    expect(first).toEqual({ counts: [2, 2, 0, 0], usage: 0.5, entropy: 1, perplexity: 2 });
    expect(second).toEqual({ counts: [0, 0, 0, 4], usage: 0.25, entropy: 0, perplexity: 1 });
  });

  it('skips further columns', () => {
    const [level] = codebookUsage(Int32Array.of(0, 9, 1, 9), { levels: 1, codebookSize: 2, width: 2 });
    expect(level.counts).toEqual([1, 1]);
  });
});

describe('entropyOf', () => {
  it('is log2 of the number of equally likely outcomes', () => {
    expect(entropyOf([3, 3, 3, 3, 0])).toBe(2);
  });
});
