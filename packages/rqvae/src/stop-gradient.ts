import { tf } from '@codebeam/backend';

/** The same values, a constant to differentiation: sg[.] in the papers. TensorFlow.js has no such op. */
export function stopGradient<T extends tf.Tensor>(x: T): T {
  return withoutGradient(() => tf.clone(x));
}

/** What `f` computes, unseen by the gradient tape, so that neither memory nor backward work is spent on it. */
export function withoutGradient<T extends tf.Tensor>(f: () => T): T {
  // A custom op hides what happens inside from the tape; without inputs it has nothing to pass gradients to.
  return tf.customGrad(() => ({ value: f(), gradFunc: () => [] }))() as T;
}
