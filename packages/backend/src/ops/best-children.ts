import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/** A tree in flat arrays: the children of a node are the nodes firstChild[node] .. firstChild[node + 1] - 1, by rising code. */
export interface ChildLists {
  firstChild: Int32Array;
  /** By node: the code that leads to it. */
  code: Int32Array;
}

/** The beams of B users, W each, best first. */
export interface BeamsOfUsers {
  /** [B*W] where each beam stands in the tree; -1 for a dead one. */
  nodes: Int32Array;
  /** [B*W] its log-probability so far. */
  scores: Float32Array;
}

export interface BestChildrenOptions {
  /** B */
  users: number;
  /** The columns of the logits that hold the codes of the children's level, code 0 first. */
  codes: { first: number; size: number };
  /** W', the beams to keep of each user. */
  count: number;
  /** Whether a child's probability is its share of what its siblings have, blocked ones included; else of all columns. */
  constrained?: boolean;
  /** Nodes that must not be entered: user b's are nodes[offsets[b]] .. nodes[offsets[b + 1] - 1], rising. */
  blocked?: { nodes: Int32Array; offsets: Int32Array };
}

/**
 * A step of beam search over a tree: of all children of a user's beams the W' with the greatest log-probability, best first. Equal
 * scores rank the beam that was ahead first, then the smaller code; a score of NaN or -Infinity never enters. Where the backend has a
 * kernel no log-probabilities are made in memory. There is no gradient.
 *
 * @param logits  [B*W, N] float32
 * @returns nodes and scores [B*W'], and parents [B*W'] the row that each child continues; places left over hold node -1 and their
 *          user's first row
 * @throws RangeError when sizes do not fit, or a beam's children are outside the columns
 */
export async function bestChildren(
  logits: tf.Tensor2D,
  beams: BeamsOfUsers,
  tree: ChildLists,
  options: BestChildrenOptions,
): Promise<BeamsOfUsers & { parents: Int32Array }> {
  check(logits, beams, tree, options);
  return hasKernel('BestChildren') ? fused(logits, beams, tree, options) : composed(logits, beams, tree, options);
}

async function fused(
  logits: tf.Tensor2D,
  beams: BeamsOfUsers,
  tree: ChildLists,
  { users, codes, count, constrained = false, blocked }: BestChildrenOptions,
): Promise<BeamsOfUsers & { parents: Int32Array }> {
  const found = tf.tidy(() => {
    const int32 = (values: Int32Array) => tf.tensor1d(values, 'int32');
    const inputs = {
      logits,
      nodes: int32(beams.nodes),
      scores: tf.tensor1d(beams.scores),
      firstChild: int32(tree.firstChild),
      code: int32(tree.code),
      offsets: blocked && int32(blocked.offsets),
      blocked: blocked && int32(blocked.nodes),
    };
    return runKernel<tf.Tensor1D[]>('BestChildren', inputs, { users, firstColumn: codes.first, count, constrained });
  });
  const [nodes, scores, parents] = await Promise.all(found.map((tensor) => tensor.data()));
  tf.dispose(found);
  return { nodes: nodes as Int32Array, scores: scores as Float32Array, parents: parents as Int32Array };
}

async function composed(
  logits: tf.Tensor2D,
  beams: BeamsOfUsers,
  { firstChild, code }: ChildLists,
  { users, codes, count, constrained, blocked }: BestChildrenOptions,
): Promise<BeamsOfUsers & { parents: Int32Array }> {
  const ofLevel = tf.tidy(() => {
    const sliced = tf.slice(logits, [0, codes.first], [-1, codes.size]); // [B*W, size]
    return constrained ? sliced : tf.sub(sliced, tf.logSumExp(logits, 1, true));
  });
  const values = (await ofLevel.data()) as Float32Array;
  ofLevel.dispose();

  const width = beams.nodes.length / users;
  const nodes = new Int32Array(users * count).fill(-1);
  const scores = new Float32Array(users * count).fill(-Infinity);
  const parents = Int32Array.from(nodes, (_, i) => Math.floor(i / count) * width);
  for (let user = 0; user < users; user++) {
    const forbidden = new Set(blocked?.nodes.subarray(blocked.offsets[user], blocked.offsets[user + 1]));
    const [first, last] = [user * count, (user + 1) * count - 1];
    for (let row = user * width; row < (user + 1) * width; row++) {
      const node = beams.nodes[row];
      if (node < 0) continue;
      const own = values.subarray(row * codes.size, (row + 1) * codes.size);
      const children = code.subarray(firstChild[node], firstChild[node + 1]);
      const mass = constrained ? Math.fround(logSumExp(children, own)) : 0;
      for (const [i, childCode] of children.entries()) {
        const score = Math.fround(beams.scores[row] + Math.fround(own[childCode] - mass));
        if (!(score > scores[last]) || forbidden.has(firstChild[node] + i)) continue;
        // Children come in the order of ties, so one goes behind its equals.
        let place = last;
        for (; place > first && score > scores[place - 1]; place--) {
          scores[place] = scores[place - 1];
          nodes[place] = nodes[place - 1];
          parents[place] = parents[place - 1];
        }
        scores[place] = score;
        nodes[place] = firstChild[node] + i;
        parents[place] = row;
      }
    }
  }
  return { nodes, scores, parents };
}

function logSumExp(codes: Int32Array, values: Float32Array): number {
  const most = codes.reduce((max, code) => Math.max(max, values[code]), -Infinity);
  return most + Math.log(codes.reduce((sum, code) => sum + Math.exp(values[code] - most), 0));
}

function check(
  { shape: [rows, columns] }: tf.Tensor2D,
  { nodes, scores }: BeamsOfUsers,
  { firstChild, code }: ChildLists,
  { users, codes, count, blocked }: BestChildrenOptions,
): void {
  const fail = (what: string) => {
    throw new RangeError(`backend: bestChildren's ${what}`);
  };
  if (nodes.length !== rows || scores.length !== rows || !(users > 0) || rows % users !== 0) {
    fail(`beams must be the ${rows} rows of the logits, as many for each of ${users} users, got ${nodes.length}`);
  }
  if (!Number.isInteger(count) || count < 1) fail(`count must be a positive integer, got ${count}`);
  if (!(codes.first >= 0 && codes.size >= 0 && codes.first + codes.size <= columns)) {
    fail(`codes must be columns of the ${columns} logits, got ${codes.size} from ${codes.first}`);
  }
  for (const node of nodes) {
    if (node === -1) continue;
    const [first, end] = [firstChild[node], firstChild[node + 1]];
    // The last child has the greatest code.
    if (!(first >= 0 && end >= first && end <= code.length && (end === first || code[end - 1] < codes.size))) {
      fail(`beams must stand on nodes whose children have codes below ${codes.size}, got node ${node}`);
    }
  }
  if (!blocked) return;
  const { offsets } = blocked;
  const rising = offsets.every((offset, b) => b === 0 || offset >= offsets[b - 1]);
  if (offsets.length !== users + 1 || offsets[0] !== 0 || offsets[users] !== blocked.nodes.length || !rising) {
    fail(`offsets of blocked nodes must rise from 0 to ${blocked.nodes.length}, one list for each of ${users} users`);
  }
}
