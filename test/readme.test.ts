import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';

const root = join(import.meta.dirname, '..');
// Inside the repository, so that the packages resolve as they do for a user; ignored by git.
const folder = join(root, 'node_modules', '.readme-snippets');

/** Every ```ts block of a README is a program that runs by itself; a last line `console.log(x); // y` must print y. */
describe.each([
  'README.md',
  'packages/serving/README.md',
  'packages/simulation/README.md',
  'packages/trainers/README.md',
])('%s', (file) => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const blocks = [...readFileSync(join(root, file), 'utf8').matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code);

  it('has snippets', () => {
    expect(blocks.length).toBeGreaterThan(0);
  });

  it.each(blocks.map((code, i) => [i + 1, code] as const))(
    'snippet %i runs and prints what it says',
    async (i, code) => {
      mkdirSync(folder, { recursive: true });
      const path = join(folder, `${file.replaceAll('/', '-')}-${i}.mts`);
      writeFileSync(path, code);
      const printed: string[] = [];
      const log = vi.spyOn(console, 'log').mockImplementation((...values) => void printed.push(values.join(' ')));
      try {
        await import(pathToFileURL(path).href);
      } finally {
        log.mockRestore();
      }
      const promised = [...code.matchAll(/console\.log\(.*\); \/\/ (\S+)$/gm)].map(([, text]) => text);
      for (const text of promised) expect(printed.join('\n')).toContain(text);
    },
  );
});
