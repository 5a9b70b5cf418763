import { util } from '@tensorflow/tfjs-core';
import { float32Address } from './arguments.js';
import type { NativeKernel } from './kernel.js';

/** param, gradient, squares, a velocity or none, and a scale of the gradient or none -> new param, squares and, with momentum, velocity */
export const Adagrad: NativeKernel = ({ inputs, attrs, backend }) => {
  const { param, gradient, squares, velocity, gradientScale } = inputs;
  const size = util.sizeFromShape(param.shape);
  const outputs = [param, squares, ...(velocity ? [velocity] : [])].map(({ shape }) => backend.allocate(shape));
  const [newParam, newSquares, newVelocity = 0] = outputs.map((tensor) => backend.address(tensor));
  backend.kernels.adagrad(
    size,
    attrs.rate,
    attrs.epsilon,
    attrs.momentum,
    gradientScale ? float32Address(backend, 'gradientScale', gradientScale, 1) : 0,
    float32Address(backend, 'param', param, size),
    float32Address(backend, 'gradient', gradient, size),
    float32Address(backend, 'squares', squares, size),
    velocity ? float32Address(backend, 'velocity', velocity, size) : 0,
    newParam,
    newSquares,
    newVelocity,
  );
  return outputs;
};
