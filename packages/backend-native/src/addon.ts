import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** An address in this process's memory. A JavaScript number holds every address that today's machines use. */
export type Address = number;

/** Kernels by name, as `native/kernels/*.h` export them: plain functions of addresses, sizes and numbers. */
export type Kernels = Readonly<Record<string, (...args: (number | boolean)[]) => number>>;

export interface Addon {
  /** Names of the instruction sets that this machine can run, best first: amx, avx512, avx2, portable. */
  instructionSets(): string[];
  kernels(instructionSet: string): Kernels;
  allocate(bytes: number): { buffer: ArrayBuffer; address: Address };
  setThreads(threads: number): void;
  getThreads(): number;
}

/** @throws Error when nothing has been built for this platform */
export function loadAddon(): Addon {
  const suffix = process.env.CODEBEAM_SANITIZED ? '-sanitized' : '';
  const path = join(
    import.meta.dirname,
    '..',
    'prebuilds',
    `${process.platform}-${process.arch}${suffix}`,
    'codebeam.node',
  );
  if (!existsSync(path)) {
    throw new Error(`backend-native: ${process.platform}-${process.arch} is not built (no C++ compiler was found)`);
  }
  return createRequire(import.meta.url)(path) as Addon;
}
