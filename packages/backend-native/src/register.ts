import { availableParallelism } from 'node:os';
import {
  findBackend,
  getKernelsForBackend,
  type KernelFunc,
  registerBackend,
  registerKernel,
} from '@tensorflow/tfjs-core';
import { loadAddon } from './addon.js';
import { NativeBackend } from './backend.js';
import { runCpuKernel } from './fallback.js';
import { nativeKernels } from './kernels/index.js';

/**
 * Makes the backend `native` known to TensorFlow.js, once in a process. Ops without a native kernel run the cpu backend's; with
 * CODEBEAM_LOG_FALLBACKS set each such op is named on stderr once.
 *
 * @param options.threads         default: CODEBEAM_THREADS, else the cores that this process may use
 * @param options.instructionSet  default: CODEBEAM_INSTRUCTION_SET, else the best that this machine has
 * @returns the backend, whose `threads` and `precision` can be set
 * @throws Error when the addon is not built or the instruction set is not to be had
 */
export function registerNativeBackend({
  threads = Number(process.env.CODEBEAM_THREADS || availableParallelism()),
  instructionSet = process.env.CODEBEAM_INSTRUCTION_SET || undefined,
}: {
  threads?: number;
  instructionSet?: string;
} = {}): NativeBackend {
  const existing = findBackend('native');
  if (existing instanceof NativeBackend) return existing;
  const backend = new NativeBackend(loadAddon(), instructionSet);
  backend.setThreads(threads);
  registerBackend('native', () => backend, 0);
  for (const [kernelName, kernel] of Object.entries(nativeKernels)) {
    registerKernel({ kernelName, backendName: 'native', kernelFunc: kernel as unknown as KernelFunc });
  }
  for (const kernel of getKernelsForBackend('cpu')) {
    if (kernel.kernelName in nativeKernels) continue;
    registerKernel({ ...kernel, backendName: 'native', kernelFunc: (call) => runCpuKernel(kernel.kernelName, call) });
  }
  return backend;
}
