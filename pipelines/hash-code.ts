import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Every package that a stage runs and the stage itself, as built, in one hash: names and contents of their JavaScript, and what says what
 * native addons are built of.
 *
 * @param root      folder that holds `packages/` and `pipelines/`
 * @param code      file of the stage, without its ending
 * @param packages  folders of `packages/`
 */
export function hashCode(root: string, code: string, packages: readonly string[]): string {
  const list = (folder: string, recursive: boolean) =>
    readdirSync(join(root, folder), { recursive, encoding: 'utf8' }).map((file) => join(folder, file));
  const digests = packages
    .map((name) => join('packages', name, 'prebuilds', `${process.platform}-${process.arch}`, 'digest.txt'))
    .filter((file) => existsSync(join(root, file)));
  const built = [
    ...packages.flatMap((name) => list(join('packages', name, 'dist'), true)),
    ...list('pipelines/dist', false),
  ];
  const files = [
    ...built.filter((file) => file.endsWith('.js')),
    join('pipelines/dist/stages', `${code}.js`),
    ...digests,
  ];
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    const content = readFileSync(join(root, file));
    hash.update(`${file} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}
