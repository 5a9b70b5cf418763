/**
 * P-values adjusted for how many there are: each is to be compared with the level itself. They come in the order given
 * and never fall where those given rise.
 *
 * `bonferroni` and `holm` bound the chance of any false discovery; Holm's steps down and is never weaker. `benjamini-hochberg`
 * steps up and bounds the expected share of false discoveries among all (independent or positively dependent tests).
 *
 * Holm 1979; Benjamini & Hochberg 1995; adjusted p-values as in Wright 1992.
 *
 * @throws RangeError when a p-value is outside [0, 1]
 */
export function adjustPValues(
  pValues: readonly number[],
  method: 'bonferroni' | 'holm' | 'benjamini-hochberg',
): number[] {
  const wrong = pValues.find((pValue) => !(pValue >= 0 && pValue <= 1));
  if (wrong !== undefined)
    throw new RangeError(`eval: p-values must be in [0, 1], got ${wrong}; leave out what is none`);
  const n = pValues.length;
  if (method === 'bonferroni') return pValues.map((pValue) => Math.min(1, n * pValue));
  const rising = Array.from(pValues.keys()).sort((a, b) => pValues[a] - pValues[b]);
  const adjusted = new Array<number>(n);
  if (method === 'holm') {
    let largest = 0; // of those before: a step that fails stops all after it
    for (const [i, test] of rising.entries()) {
      largest = Math.max(largest, Math.min(1, (n - i) * pValues[test]));
      adjusted[test] = largest;
    }
    return adjusted;
  }
  let smallest = 1; // of those after: a step that succeeds takes all before it along
  for (const [i, test] of [...rising.entries()].reverse()) {
    smallest = Math.min(smallest, (n / (i + 1)) * pValues[test]);
    adjusted[test] = smallest;
  }
  return adjusted;
}
