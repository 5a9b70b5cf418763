import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

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

/**
 * @param path  the built addon; default: CODEBEAM_ADDON, else `prebuilds/` of this package
 * @throws Error when there is none
 */
export function loadAddon(path = process.env.CODEBEAM_ADDON || defaultPath): Addon {
  if (!existsSync(path)) throw new Error(`${path === defaultPath ? platform : path} is not built: no C++ compiler?`);
  return createRequire(import.meta.url)(resolve(path)) as Addon;
}

const platform = `${process.platform}-${process.arch}`;
const defaultPath = join(import.meta.dirname, '..', 'prebuilds', platform, 'codebeam.node');
