import { z } from 'zod';

/** Why no encoder that reads items can be what a config asks for; nothing where the config makes sense. */
export function contradictionOf({
  encoderReads,
  separator,
  userTokens,
}: {
  encoderReads: string;
  separator: boolean;
  userTokens: number;
}): string | undefined {
  if (encoderReads !== 'items' || (!separator && userTokens === 0)) return undefined;
  return `separator and userTokens must be off where encoderReads is items, got ${separator} and ${userTokens}; they are tokens among codes`;
}

/** The paper's model: Rajput et al. 2023 (TIGER), sec. 4.1; a T5 of 4.85 M parameters with these widths. */
export const tigerSchema = z
  .strictObject({
    encoderReads: z
      .enum(['codes', 'items'])
      .default('codes')
      .describe(
        "codes: a history is a row of codes, read both ways (paper). items: each item is one vector, its codes' embeddings and one of its own added up, and is read knowing the items before it only; the decoder attends to the latest item, and one pass trains a target after every item that is read, of a user's maxHistory latest",
      ),
    modelWidth: z
      .int()
      .positive()
      .default(128)
      .describe('D, width of the embeddings and of the residual stream (paper: 128)'),
    encoderLayers: z.int().positive().default(4).describe('encoder blocks (paper: 4)'),
    decoderLayers: z.int().positive().default(4).describe('decoder blocks (paper: 4)'),
    heads: z.int().positive().default(6).describe('H, attention heads (paper: 6)'),
    headWidth: z.int().positive().default(64).describe('E, width of a head (paper: 64)'),
    feedForwardWidth: z
      .int()
      .positive()
      .default(1024)
      .describe('hidden width of the feed-forward layers (paper: 1024)'),
    dropout: z.number().min(0).lt(1).default(0.1).describe('dropout rate (paper: 0.1)'),
    positionBuckets: z
      .int()
      .min(4)
      .multipleOf(4)
      .default(32)
      .describe('buckets of the relative position bias (T5: 32)'),
    maxDistance: z.int().positive().default(128).describe('tokens from which on distances share a bucket (T5: 128)'),
    maxHistory: z
      .int()
      .positive()
      .default(20)
      .describe('T, items of the history that are read, the latest ones (paper: 20)'),
    separator: z.boolean().default(false).describe('a separator token after each item of the history (paper: none)'),
    userTokens: z
      .int()
      .min(0)
      .default(0)
      .describe('tokens into which user ids are hashed; 0 leaves the user out (paper: 2000)'),
    constrainedSoftmax: z
      .boolean()
      .default(false)
      .describe(
        'probabilities over the codes that continue an existing semantic ID, not over all tokens (paper: false)',
      ),
  })
  .superRefine((config, context) => {
    const message = contradictionOf(config);
    if (message) context.addIssue({ code: 'custom', path: ['encoderReads'], message });
  });

export type TigerConfig = z.infer<typeof tigerSchema>;
