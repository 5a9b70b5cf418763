import { getKernel, type KernelFunc, type TensorInfo } from '@tensorflow/tfjs-core';

/** How often each op ran TensorFlow.js's own kernel for want of a native one that serves the call, since the process began. */
export const fallbackCounts: Map<string, number> = new Map();

/**
 * Runs TensorFlow.js's own kernel of the cpu backend on native memory and counts it. With CODEBEAM_LOG_FALLBACKS set, an op is
 * named on stderr when it first comes here.
 */
export function runCpuKernel<T extends TensorInfo | TensorInfo[]>(kernelName: string, call: object): T {
  const count = (fallbackCounts.get(kernelName) ?? 0) + 1;
  fallbackCounts.set(kernelName, count);
  if (count === 1 && process.env.CODEBEAM_LOG_FALLBACKS) {
    console.error(`backend-native: ${kernelName} runs on TensorFlow.js's own kernel`);
  }
  return getKernel(kernelName, 'cpu').kernelFunc(call as Parameters<KernelFunc>[0]) as T;
}
