// Load correction: resolvers differ in size, so the share of connections that a member really gets is not the share of
// answers that it was given. Each member has a factor, moved a little towards the wanted share at each step:
//   factor ← factor × (wanted / observed)^GAIN, bounded, then scaled so that the mean (weighted by the wanted shares) is 1
// The gain is below 1/4, so the loop does not overshoot even when the observation lags a whole step behind; what could
// be chance (two standard errors of a share) moves nothing.

/** Exponent of a step. */
export const GAIN = 0.2;
/** Bounds of a factor. */
export const LEAST = 0.5;
export const MOST = 2;
/** Connections that must have been seen since the last step. */
export const MIN_SAMPLES = 200;
/** The most that wanted / observed may be off in one step, up or down. */
const RATIO = 4;

/**
 * One step. `factors`: those of now. `wanted`: the shares that the weights ask for, without any correction, summing to 1
 * (0 for members that are out: their factor relaxes towards 1). `observed`: connections of each member since the last
 * step. Returns new factors.
 */
export function correct(
  factors: readonly number[],
  wanted: readonly number[],
  observed: readonly number[],
): number[] {
  const samples = observed.reduce((sum, n, i) => (wanted[i] > 0 ? sum + n : sum), 0);
  if (samples < MIN_SAMPLES) return [...factors];
  return normalise(
    factors.map((f, i) =>
      wanted[i] > 0 ? f * step(wanted[i], observed[i] / samples, samples) : f ** (1 - GAIN),
    ),
    wanted,
  );
}

function step(wanted: number, share: number, samples: number): number {
  const error = Math.sqrt((wanted * (1 - wanted)) / samples);
  if (Math.abs(share - wanted) <= 2 * error) return 1;
  return Math.min(RATIO, Math.max(1 / RATIO, wanted / share)) ** GAIN;
}

// Scales the members that are in, so that within the bounds Σ wanted × factor = 1. The sum grows with the scale, from
// LEAST to MOST, so halving finds it.
function normalise(factors: readonly number[], wanted: readonly number[]): number[] {
  const at = (i: number, scale: number) => Math.min(MOST, Math.max(LEAST, factors[i] * scale));
  let low = LEAST / MOST;
  let high = MOST / LEAST;
  for (let round = 0; round < 50; round++) {
    const scale = (low + high) / 2;
    const mean = factors.reduce((sum, _, i) => sum + wanted[i] * at(i, scale), 0);
    if (mean > 1) high = scale;
    else low = scale;
  }
  return factors.map((f, i) =>
    wanted[i] > 0 ? at(i, (low + high) / 2) : Math.min(MOST, Math.max(LEAST, f)),
  );
}
