import { createGenerator, createKey } from '@codebeam/random';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends } from '../../fixtures/backends.js';
import { draw } from '../../fixtures/layers.js';
import { type BestChildrenOptions, bestChildren, selectBackend, tf } from '../index.js';

/** A root with the codes 0, 2 and 3; below them the codes {1}, {0, 1, 3} and {2}. */
const tree = {
  firstChild: Int32Array.from([1, 4, 5, 8, 9, 9, 9, 9, 9, 9]),
  code: Int32Array.from([-1, 0, 2, 3, 1, 0, 1, 3, 2]),
};

/** A root with `children` nodes, of which each has some of as many codes below it. */
function drawTree(seed: number, children: number) {
  const generator = createGenerator(createKey(seed, 'sample'));
  const all = Array.from({ length: children }, (_, code) => code);
  const lists = [all, ...all.map(() => all.filter(() => generator.uniform() < 0.6))];
  const code = [-1, ...lists.flat()];
  const firstChild = new Int32Array(code.length + 1).fill(code.length);
  firstChild[0] = 1;
  for (const [node, list] of lists.entries()) firstChild[node + 1] = firstChild[node] + list.length;
  return { firstChild, code: Int32Array.from(code) };
}

/** The same by sorting all candidates, in float64. */
function sortAll(
  logits: number[][],
  nodes: Int32Array,
  scores: Float32Array,
  { firstChild, code }: typeof tree,
  { users, codes, count, constrained, blocked }: BestChildrenOptions,
) {
  const width = nodes.length / users;
  return Array.from({ length: users }, (_, user) => {
    const forbidden = new Set(blocked?.nodes.subarray(blocked.offsets[user], blocked.offsets[user + 1]));
    const candidates = Array.from({ length: width }, (_, beam) => user * width + beam).flatMap((row) => {
      if (nodes[row] < 0) return [];
      const children = Array.from(
        { length: firstChild[nodes[row] + 1] - firstChild[nodes[row]] },
        (_, i) => firstChild[nodes[row]] + i,
      );
      const columns = constrained ? children.map((child) => codes.first + code[child]) : logits[row].map((_, j) => j);
      const mass = Math.log(columns.reduce((sum, column) => sum + Math.exp(logits[row][column]), 0));
      return children
        .filter((child) => !forbidden.has(child))
        .map((node) => ({ node, row, score: scores[row] + logits[row][codes.first + code[node]] - mass }));
    });
    return candidates.sort((a, b) => b.score - a.score).slice(0, count);
  });
}

describe.each(backends)('bestChildren on %s', (backend) => {
  beforeAll(() => selectBackend(backend));

  it('ranks equal scores by the beam that was ahead, then by the smaller code', async () => {
    const beams = { nodes: Int32Array.from([2, 1, 3]), scores: Float32Array.from([-1, -1, -1]) };
    const found = await bestChildren(tf.zeros([3, 4]), beams, tree, {
      users: 1,
      codes: { first: 0, size: 4 },
      count: 4,
      blocked: { nodes: Int32Array.from([6]), offsets: Int32Array.from([0, 1]) },
    });
    expect(Array.from(found.nodes)).toEqual([5, 7, 4, 8]);
    expect(Array.from(found.parents)).toEqual([0, 0, 1, 2]);
    for (const score of found.scores) expect(score).toBeCloseTo(-1 - Math.log(4), 6);
  });

  it('leaves places without children open, and takes no score of NaN', async () => {
    const beams = { nodes: Int32Array.from([0, -1, 1, 3]), scores: Float32Array.from([0, 0, 0, Number.NaN]) };
    const found = await bestChildren(tf.zeros([4, 6]), beams, tree, {
      users: 2,
      codes: { first: 2, size: 4 },
      count: 4,
      constrained: true,
    });
    expect(Array.from(found.nodes)).toEqual([1, 2, 3, -1, 4, -1, -1, -1]);
    expect(Array.from(found.parents)).toEqual([0, 0, 0, 0, 2, 2, 2, 2]);
    expect(Array.from(found.scores).slice(3)).toEqual([-Infinity, 0, ...Array(3).fill(-Infinity)]);
  });

  it.each([
    { users: 1, width: 1, children: 1, columns: 1, first: 0, count: 1 },
    { users: 3, width: 2, children: 7, columns: 23, first: 9, count: 5 },
    { users: 17, width: 20, children: 40, columns: 131, first: 64, count: 20 },
  ])('finds what sorting all children finds: %o', async ({ users, width, children, columns, first, count }) => {
    const generated = drawTree(children, children);
    const logits = draw(3, [users * width, columns]);
    const generator = createGenerator(createKey(4, 'sample'));
    const nodes = Int32Array.from({ length: users * width }, () => generator.integer(children + 1));
    const scores = Float32Array.from(nodes, () => -generator.uniform());
    const all = Array.from(generated.code.keys()).filter((node) => node % 5 === 3);
    const offsets = Int32Array.from({ length: users + 1 }, (_, user) => user * all.length);
    const blocked = { nodes: Int32Array.from({ length: users * all.length }, (_, i) => all[i % all.length]), offsets };
    for (const constrained of [false, true]) {
      const options = { users, codes: { first, size: children }, count, constrained, blocked };
      const found = await bestChildren(logits, { nodes, scores }, generated, options);
      const expected = sortAll(logits.arraySync(), nodes, scores, generated, options);
      for (const [user, candidates] of expected.entries()) {
        for (let place = 0; place < count; place++) {
          const at = user * count + place;
          expect(found.nodes[at]).toBe(candidates[place]?.node ?? -1);
          expect(found.parents[at]).toBe(candidates[place]?.row ?? user * width);
          if (candidates[place]) expect(found.scores[at]).toBeCloseTo(candidates[place].score, 5);
        }
      }
    }
  });

  it('refuses what does not fit', async () => {
    const beams = { nodes: Int32Array.from([2]), scores: new Float32Array(1) };
    const options = { users: 1, codes: { first: 0, size: 4 }, count: 1 };
    const logits = tf.zeros<tf.Rank.R2>([1, 4]);
    const reject = (given: object, own: object = {}) =>
      expect(bestChildren(logits, { ...beams, ...own }, tree, { ...options, ...given })).rejects;
    await reject({ users: 2 }).toThrow("backend: bestChildren's beams must be the 1 rows of the logits");
    await reject({ count: 0 }).toThrow('count must be a positive integer, got 0');
    await reject({ codes: { first: 1, size: 4 } }).toThrow('codes must be columns of the 4 logits, got 4 from 1');
    await reject({ codes: { first: 0, size: 3 } }).toThrow('children have codes below 3, got node 2');
    await reject({}, { nodes: Int32Array.from([9]) }).toThrow('children have codes below 4, got node 9');
    await reject({ blocked: { nodes: new Int32Array(2), offsets: Int32Array.from([0, 1]) } }).toThrow(
      'offsets of blocked nodes must rise from 0 to 2, one list for each of 1 users',
    );
  });
});
