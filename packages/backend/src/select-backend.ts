import { registerBatchMatMul } from './kernels/batch-mat-mul.js';
import { registerIdentity } from './kernels/identity.js';
import { registerUnsortedSegmentSum } from './kernels/unsorted-segment-sum.js';
import { tf } from './tf.js';

/** Backends in the order in which they are tried. */
export const backendNames = ['tensorflow', 'webgpu', 'native', 'wasm', 'cpu'] as const;
export type BackendName = (typeof backendNames)[number];

export interface SelectedBackend {
  name: BackendName;
  /** One line for the log: what was chosen and why the faster ones were not. */
  reason: string;
}

/**
 * Starts the fastest TensorFlow.js backend that works here, or exactly the one asked for.
 *
 * @param backend  forces one; without it the environment variable CODEBEAM_BACKEND does
 * @throws Error when a forced backend cannot start, or the name is unknown
 */
export async function selectBackend(
  backend: string | undefined = process.env.CODEBEAM_BACKEND || undefined,
): Promise<SelectedBackend> {
  if (backend !== undefined) {
    if (!isBackendName(backend)) {
      throw new RangeError(`backend: backend must be one of ${backendNames.join(', ')}, got ${backend}`);
    }
    try {
      const detail = await start[backend](true);
      return { name: backend, reason: `${named(backend, detail)}: asked for` };
    } catch (error) {
      throw new Error(`backend: ${backend} was asked for and must start, got: ${message(error)}; ${remedy[backend]}`);
    }
  }
  const failures: string[] = [];
  for (const name of backendNames) {
    try {
      const detail = await start[name](false);
      return { name, reason: [named(name, detail), ...failures].join('; ') };
    } catch (error) {
      failures.push(`no ${name} (${message(error)})`);
    }
  }
  throw new Error(`backend: no TensorFlow.js backend starts: ${failures.join('; ')}`);
}

const named = (name: BackendName, detail: string | undefined) => (detail ? `${name} (${detail})` : name);

function isBackendName(name: string): name is BackendName {
  return (backendNames as readonly string[]).includes(name);
}

const message = (error: unknown) => (error instanceof Error ? error.message : String(error)).split('\n')[0];

const remedy: Record<BackendName, string> = {
  tensorflow: 'install it with: npm install @tensorflow/tfjs-node-gpu@4.22.0 (CUDA 11) or @tensorflow/tfjs-node@4.22.0',
  webgpu: 'install it with: npm install webgpu@0.6.2 @tensorflow/tfjs-backend-webgpu@4.22.0, and the Vulkan driver',
  native: 'install a C++ compiler, then: npm run build',
  wasm: 'choose another backend or leave the choice to Codebeam',
  cpu: 'choose another backend or leave the choice to Codebeam',
};

/** Each may say more about itself for the log. */
const start: Record<BackendName, (forced: boolean) => Promise<string | undefined>> = {
  async tensorflow() {
    try {
      await importOptional('@tensorflow/tfjs-node-gpu');
    } catch {
      await importOptional('@tensorflow/tfjs-node');
    }
    return activate('tensorflow');
  },

  async webgpu(forced) {
    const { create, globals } = await importOptional('webgpu');
    Object.assign(globalThis, globals);
    const gpu = (create as (options: string[]) => Gpu)([]);
    // TensorFlow.js looks for the browser's navigator while its module loads, so it must be there before the import.
    Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });
    const adapter = await gpu.requestAdapter();
    if (!adapter) throw new Error('no GPU adapter');
    // A software adapter is slower than wasm; it serves for tests only.
    if (!forced && isSoftware(adapter)) throw new Error('only a software adapter');
    await importOptional('@tensorflow/tfjs-backend-webgpu');
    return activate('webgpu');
  },

  async native() {
    const { registerNativeBackend } = await importOptional('@codebeam/backend-native');
    const native = (registerNativeBackend as () => { instructionSet: string; threads: number })();
    await activate('native');
    return `${native.instructionSet}, ${native.threads} ${native.threads === 1 ? 'thread' : 'threads'}`;
  },

  async wasm() {
    await import('@tensorflow/tfjs-backend-wasm');
    registerBatchMatMul();
    registerIdentity();
    registerUnsortedSegmentSum('wasm');
    return activate('wasm');
  },

  async cpu() {
    registerUnsortedSegmentSum('cpu');
    return activate('cpu');
  },
};

interface Gpu {
  requestAdapter(): Promise<Adapter | null>;
}
interface Adapter {
  isFallbackAdapter?: boolean;
  info?: { architecture?: string; description?: string; isFallbackAdapter?: boolean };
}

function isSoftware({ isFallbackAdapter, info }: Adapter): boolean {
  const name = `${info?.architecture} ${info?.description}`.toLowerCase();
  return Boolean(isFallbackAdapter || info?.isFallbackAdapter) || /swiftshader|llvmpipe|lavapipe/.test(name);
}

/** Imports a package that need not be installed; the name is a variable so that the compiler does not ask for it. */
async function importOptional(name: string): Promise<Record<string, unknown>> {
  try {
    return await import(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') throw new Error(`${name} is not installed`);
    throw error;
  }
}

async function activate(name: BackendName): Promise<undefined> {
  if (!(await tf.setBackend(name))) throw new Error(`${name} did not initialise`);
  await tf.ready();
}
