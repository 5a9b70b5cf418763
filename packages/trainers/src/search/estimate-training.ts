/** What a run will need. Measured on a few steps, and so an estimate. */
export interface TrainingEstimate {
  /** Of a step, once the run is under way. */
  estimatedSecondsPerStep: number;
  estimatedSecondsPerEpoch: number;
  /** Before the first step: data, initial weights, compilation. */
  estimatedSetupSeconds: number;
  /** The most memory that this process ever held: everything in it is counted, not the run alone. */
  peakProcessBytes: number;
}

export interface EstimateOptions {
  stepsPerEpoch: number;
  /** Steps of the two probes: the difference is what more steps cost, the rest is setup. */
  probes?: readonly [few: number, more: number];
  /** Seconds, from any origin. */
  now?: () => number;
}

/**
 * Estimates what a run needs by two short ones, whatever the model is.
 *
 * @param run  trains for so many steps, as with `maxSteps` of the training config, without validation or checkpoints
 */
export async function estimateTraining(
  run: (steps: number) => Promise<unknown>,
  { stepsPerEpoch, probes = [2, 10], now = () => performance.now() / 1000 }: EstimateOptions,
): Promise<TrainingEstimate> {
  const [few, more] = probes;
  if (!(few >= 1 && more > few)) {
    throw new RangeError(`trainers: probes must be two rising numbers of steps, got ${probes}; 2 and 10 will do`);
  }
  const time = async (steps: number) => {
    const before = now();
    await run(steps);
    return now() - before;
  };
  await run(1); // what only the first run of a process pays
  const shorter = await time(few);
  const longer = await time(more);
  const perStep = Math.max(0, longer - shorter) / (more - few);
  return {
    estimatedSecondsPerStep: perStep,
    estimatedSecondsPerEpoch: perStep * stepsPerEpoch,
    estimatedSetupSeconds: Math.max(0, shorter - few * perStep),
    peakProcessBytes: process.resourceUsage().maxRSS * 1024,
  };
}
