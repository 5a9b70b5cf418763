import { describe, expect, it } from 'vitest';
import { rqvaeSchema } from './config.js';

describe('rqvaeSchema', () => {
  it("has the paper's sizes by default", () => {
    const { levels, codebookSize, latentDim, hiddenDims, commitmentWeight } = rqvaeSchema.parse({});
    expect([levels, codebookSize, latentDim, hiddenDims, commitmentWeight]).toEqual([
      3,
      256,
      32,
      [512, 256, 128],
      0.25,
    ]);
  });

  it('refuses unknown keys and settings that contradict each other', () => {
    expect(() => rqvaeSchema.parse({ codebookSise: 256 })).toThrow('codebookSise');
    expect(() => rqvaeSchema.parse({ normaliseResiduals: true })).toThrow(
      'normaliseResiduals must be false with tokenizer rqvae',
    );
    expect(() => rqvaeSchema.parse({ tokenizer: 'residual-kmeans', initialisation: 'normal' })).toThrow(
      'initialisation must be kmeans++ with tokenizer residual-kmeans',
    );
  });
});
