import { util } from '@tensorflow/tfjs-core';
import { float32Address } from './arguments.js';
import type { NativeKernel } from './kernel.js';

/** param, gradient, first and second moment, and a scale of the gradient or none -> new param, first and second moment */
export const AdamW: NativeKernel = ({ inputs, attrs, backend }) => {
  const { param, gradient, first, second, gradientScale } = inputs;
  const size = util.sizeFromShape(param.shape);
  const outputs = [param, first, second].map(({ shape }) => backend.allocate(shape));
  backend.kernels.adamw(
    size,
    attrs.rate,
    attrs.offset,
    attrs.kept,
    attrs.fresh1,
    attrs.fresh2,
    gradientScale ? float32Address(backend, 'gradientScale', gradientScale, 1) : 0,
    float32Address(backend, 'param', param, size),
    float32Address(backend, 'gradient', gradient, size),
    float32Address(backend, 'first', first, size),
    float32Address(backend, 'second', second, size),
    ...outputs.map((tensor) => backend.address(tensor)),
  );
  return outputs;
};
