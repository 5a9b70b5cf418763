/**
 * The factor on the base learning rate at an update; pure, so a resumed run continues the same curve.
 * `step` is the number of the update, from 1: the first update already moves.
 */
export type Schedule = (step: number) => number;

/** Rises from 1/warmupSteps to 1 over the first `warmupSteps` updates, then stays. 0 steps: 1 from the start. */
export function constant({ warmupSteps = 0 }: { warmupSteps?: number } = {}): Schedule {
  check('warmupSteps', warmupSteps, 0);
  return (step) => Math.min(1, step / Math.max(1, warmupSteps));
}

/** After the warm-up falls in a straight line to 0 at `totalSteps`, and stays there. */
export function linear({ warmupSteps = 0, totalSteps }: { warmupSteps?: number; totalSteps: number }): Schedule {
  const warmup = constant({ warmupSteps });
  checkWarmup(warmupSteps, totalSteps);
  return (step) => warmup(step) * (1 - progress(step, warmupSteps, totalSteps));
}

/** After the warm-up falls along half a cosine to `floor` at `totalSteps`. Loshchilov & Hutter 2017 (SGDR), eq. 5. */
export function cosine(options: { warmupSteps?: number; totalSteps: number; floor?: number }): Schedule {
  const { warmupSteps = 0, totalSteps, floor = 0 } = options;
  const warmup = constant({ warmupSteps });
  checkWarmup(warmupSteps, totalSteps);
  return (step) => {
    const fallen = (1 - Math.cos(Math.PI * progress(step, warmupSteps, totalSteps))) / 2;
    return warmup(step) * (1 - (1 - floor) * fallen);
  };
}

/**
 * sqrt(k / step) once past k = max(warmupSteps, holdSteps), and 1 at k.
 * `warmupSteps` rises before it (Vaswani et al. 2017, sec. 5.3); `holdSteps` keeps 1 until it (T5, Raffel et al. 2020,
 * sec. 3.1.2, which TIGER follows with 10,000).
 */
export function inverseSqrt(options: { warmupSteps?: number; holdSteps?: number }): Schedule {
  const { warmupSteps = 0, holdSteps = 0 } = options;
  const warmup = constant({ warmupSteps });
  check('holdSteps', holdSteps, 0);
  const start = Math.max(1, warmupSteps, holdSteps);
  return (step) => warmup(step) * Math.sqrt(start / Math.max(start, step));
}

/** The share of the way from the end of the warm-up to the last update, in [0, 1]. */
function progress(step: number, warmupSteps: number, totalSteps: number): number {
  return Math.min(1, Math.max(0, (step - warmupSteps) / (totalSteps - warmupSteps)));
}

function checkWarmup(warmupSteps: number, totalSteps: number): void {
  check('totalSteps', totalSteps, 1);
  if (warmupSteps < totalSteps) return;
  throw new RangeError(
    `trainers: schedule warmupSteps must be less than the run's ${totalSteps} steps, got ${warmupSteps}; shorten the warm-up`,
  );
}

function check(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(
      `trainers: schedule ${name} must be an integer of at least ${least}, got ${value}; change the schedule`,
    );
  }
}
