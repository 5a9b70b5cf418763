import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseConfigFile, readConfig } from '@codebeam/data';
import { describe, expect, it } from 'vitest';
import { serveSchema } from './serve-config.js';

const folder = resolve(import.meta.dirname, '../compose');
const read = (file: string) => readFileSync(join(folder, file), 'utf8');
const hasNginx = spawnSync('nginx', ['-v']).status === 0;
if (!hasNginx) console.warn('skipped: the proxy of the compose file, as nginx is not installed');

describe('the compose file', () => {
  it('has what the replicas need', () => {
    const { services, volumes } = parseConfigFile('serving', 'compose.yaml', read('compose.yaml')).content as {
      services: Record<string, { volumes?: string[]; depends_on?: object }>;
      volumes: object;
    };
    expect(Object.keys(services)).toEqual(['proxy', 'recommender', 'redis']);
    expect(Object.keys(services.recommender.depends_on!)).toEqual(['redis']);
    for (const { volumes: mounted = [] } of Object.values(services)) {
      for (const source of mounted.map((one) => one.split(':')[0])) {
        if (source.startsWith('./')) expect(() => read(source)).not.toThrow();
        else if (!source.startsWith('../')) expect(Object.keys(volumes)).toContain(source);
      }
    }
  });

  it('has a config that the service reads, at the port that the proxy asks', () => {
    const { port, state, host } = readConfig('serving', serveSchema, 'serve.yaml', read('serve.yaml'));
    expect([host, state.store]).toEqual(['0.0.0.0', 'redis']);
    expect(read('nginx.conf')).toContain(`server recommender:${port} resolve`);
  });

  it.skipIf(!hasNginx)('has a proxy that nginx accepts', () => {
    const scratch = mkdtempSync(join(tmpdir(), 'nginx-'));
    try {
      // Names of other containers, and `resolve` of nginx before 1.27.3, are not to be had here.
      const text = read('nginx.conf').replace('recommender:8080 resolve', '127.0.0.1:8080');
      writeFileSync(join(scratch, 'nginx.conf'), `pid ${scratch}/pid;\nerror_log stderr;\n${text}`);
      const { status, stderr } = spawnSync('nginx', ['-t', '-c', join(scratch, 'nginx.conf'), '-p', scratch], {
        encoding: 'utf8',
      });
      expect(status, stderr).toBe(0);
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });
});
