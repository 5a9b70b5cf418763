import { dotProduct, normOf } from './profiles.js';

/**
 * Spherical linear interpolation: rotates a vector towards another by a share of the angle between them and keeps its length (Shoemake
 * 1985; T-RECS, `Users.drift`). Of parallel vectors, or where the target has no direction, the vector stays as it is.
 *
 * @param from   [A] not all zeros
 * @param to     [A]
 * @param share  of the angle, 0 to 1
 * @returns [A]
 * @throws RangeError when lengths or the share are wrong, or the vectors point in opposite directions: no way between them is shorter
 */
export function slerp(from: ArrayLike<number>, to: ArrayLike<number>, share: number): Float64Array {
  if (!(share >= 0 && share <= 1)) {
    throw new RangeError(`simulation: share of the angle must be from 0 to 1, got ${share}`);
  }
  if (from.length !== to.length) {
    throw new RangeError(
      `simulation: vectors to rotate must have one length, got ${from.length} and ${to.length}; actual users need the attributes of actual items`,
    );
  }
  const rotated = Float64Array.from(from);
  const [length, targetLength] = [normOf(from), normOf(to)];
  if (length === 0 || targetLength === 0) return rotated;
  const cosine = Math.max(-1, Math.min(1, dotProduct(from, to) / (length * targetLength)));
  const angle = Math.acos(cosine);
  const sine = Math.sin(angle);
  if (sine < 1e-12) {
    if (cosine > 0) return rotated;
    throw new RangeError(
      'simulation: vectors to rotate must not be opposite, got an angle of 180 degrees; drift needs two attributes or more, and positive scores',
    );
  }
  const own = Math.sin((1 - share) * angle) / sine;
  const other = ((Math.sin(share * angle) / sine) * length) / targetLength;
  for (let a = 0; a < rotated.length; a++) rotated[a] = own * from[a] + other * to[a];
  return rotated;
}
