import { z } from 'zod';

/** The tokenizer's configuration. Paper: Rajput et al. 2023 (TIGER), sec. 4.1. */
export const rqvaeSchema = z
  .strictObject({
    tokenizer: z
      .enum(['rqvae', 'residual-kmeans'])
      .default('rqvae')
      .describe('residual-kmeans quantizes the embeddings themselves and needs no training; paper: rqvae'),
    levels: z.int().min(1).default(3).describe('L, codes per item before the collision code; paper: 3'),
    codebookSize: z.int().min(2).default(256).describe('K, codes per level; paper: 256'),
    latentDim: z.int().min(1).default(32).describe('D, width of latents and code vectors; paper: 32'),
    hiddenDims: z
      .array(z.int().min(1))
      .default([512, 256, 128])
      .describe("encoder's hidden widths, mirrored by the decoder; paper: 512, 256, 128"),
    commitmentWeight: z.number().min(0).default(0.25).describe('beta, weight of the commitment loss; paper: 0.25'),
    quantize: z
      .enum(['straight-through', 'rotation'])
      .default('straight-through')
      .describe('how the gradient passes the quantizer; paper: straight-through'),
    codebookUpdate: z
      .enum(['gradient', 'ema'])
      .default('gradient')
      .describe('codebook loss, or exponential moving averages; paper: gradient'),
    emaDecay: z.number().min(0).lt(1).default(0.99).describe('weight of the past for codebookUpdate ema'),
    distance: z.enum(['l2', 'cosine']).default('l2').describe('how the nearest code is chosen; paper: l2'),
    initialisation: z
      .enum(['kmeans++', 'normal'])
      .default('kmeans++')
      .describe('codebooks before training: k-means of the first latents level by level; paper: k-means'),
    kmeansIterations: z.int().min(0).default(50).describe('Lloyd iterations per level, at most'),
    kmeansSample: z
      .int()
      .min(1)
      .default(20_000)
      .describe('items that k-means looks at, drawn at random where there are more; paper: the first batch'),
    deadCodeResetEpochs: z
      .int()
      .min(0)
      .default(10)
      .describe('every so many epochs codes that no item uses move to items; 0: never'),
    inputNormalisation: z
      .enum(['rms', 'standardise', 'l2', 'none'])
      .default('rms')
      .describe(
        "rms: centre, then one scale for all components (SVD text vectors); standardise: each component (neural sentence encoders); l2: each item's length",
      ),
    normaliseResiduals: z
      .boolean()
      .default(false)
      .describe('residual-kmeans only: quantize the direction of each residual (GRID)'),
    balanceLastLevel: z
      .boolean()
      .default(false)
      .describe('give items that share all codes but the last distinct last codes at the least extra distance'),
  })
  .refine((config) => config.tokenizer === 'residual-kmeans' || !config.normaliseResiduals, {
    error: 'rqvae: normaliseResiduals must be false with tokenizer rqvae, got true; use tokenizer residual-kmeans',
    path: ['normaliseResiduals'],
  })
  .refine((config) => config.tokenizer === 'rqvae' || config.initialisation === 'kmeans++', {
    error: 'rqvae: initialisation must be kmeans++ with tokenizer residual-kmeans, got normal; nothing would train it',
    path: ['initialisation'],
  });

export type RqvaeConfig = z.output<typeof rqvaeSchema>;
