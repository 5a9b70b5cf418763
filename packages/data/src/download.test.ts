import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DownloadProgress, downloadFiles } from './download.js';

const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 255));
const sha256 = createHash('sha256').update(content).digest('hex');

let server: Server;
let origin: string;
let folder: string;
let requests: string[];
/** How many of the next bodies break off half-way. */
let breaks: number;

function sendRange(request: IncomingMessage, response: ServerResponse): void {
  const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (from >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    return;
  }
  const headers = { 'content-length': content.length - from };
  if (from === 0) response.writeHead(200, headers);
  else
    response.writeHead(206, { ...headers, 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` });
  if (breaks-- > 0) {
    response.write(content.subarray(from, from + ((content.length - from) >> 1)));
    setTimeout(() => response.destroy(), 50);
  } else {
    response.end(content.subarray(from));
  }
}

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(`${request.url} ${request.headers.range ?? 'whole'}`);
    switch (request.url) {
      case '/file.gz':
      case '/other.gz':
        return sendRange(request, response);
      case '/without-range.gz':
        delete request.headers.range;
        return sendRange(request, response);
      case '/moved.gz':
        return response.writeHead(302, { location: '/file.gz' }).end();
      case '/loop.gz':
        return response.writeHead(302, { location: '/loop.gz' }).end();
      case '/encoded.gz':
        return response.writeHead(200, { 'content-encoding': 'gzip' }).end(content);
      case '/silent.gz':
        return response.writeHead(200, { 'content-length': 10 }).write('abc');
      case '/busy.gz':
        return response.writeHead(503).end();
      default:
        return response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(async () => {
  requests = [];
  breaks = 0;
  folder = await mkdtemp(join(tmpdir(), 'codebeam-download-'));
  return () => rm(folder, { recursive: true });
});

const quick = { retryDelayMs: 1 };

describe('downloadFiles', () => {
  it('downloads into the folder, reports progress, and leaves alone what is there', async () => {
    const progress: DownloadProgress[] = [];
    const files = [
      { url: `${origin}/file.gz`, sha256, bytes: content.length },
      { url: `${origin}/moved.gz`, fileName: 'renamed.gz', sha256: sha256.toUpperCase() },
    ];
    const onProgress = (now: DownloadProgress) => progress.push(now);
    const paths = await downloadFiles(files, join(folder, 'new'), { ...quick, onProgress });
    expect(paths).toEqual([join(folder, 'new', 'file.gz'), join(folder, 'new', 'renamed.gz')]);
    expect(content.equals(await readFile(paths[0]))).toBe(true);
    expect(await readdir(join(folder, 'new'))).toEqual(['file.gz', 'renamed.gz']);
    const whole = { receivedBytes: content.length, totalBytes: content.length };
    expect(progress.at(-1)).toEqual({ fileName: 'renamed.gz', ...whole });
    expect(progress.filter(({ fileName }) => fileName === 'file.gz').at(-1)).toMatchObject(whole);

    const before = requests.length;
    await downloadFiles(files, join(folder, 'new'));
    expect(requests.length).toBe(before);
  });

  it('continues after broken connections from where they broke', async () => {
    breaks = 2;
    const [path] = await downloadFiles([{ url: `${origin}/file.gz`, sha256 }], folder, quick);
    expect(content.equals(await readFile(path))).toBe(true);
    expect(requests).toHaveLength(3);
    const [first, second, third] = requests.map((request) => Number(/bytes=(\d+)-/.exec(request)?.[1] ?? 0));
    expect([first < second, second < third]).toEqual([true, true]);
  });

  it('leaves the part when it gives up, and the next call continues it', async () => {
    breaks = 2;
    const files = [{ url: `${origin}/file.gz`, sha256 }];
    await expect(downloadFiles(files, folder, { ...quick, attempts: 2 })).rejects.toThrow(
      /^data: download of .*\/file\.gz must succeed, got .* \(try 2 of 2\); run it again to continue, or put the file into/,
    );
    expect(await readdir(folder)).toEqual(['file.gz.part']);
    await downloadFiles(files, folder, quick);
    expect(requests.at(-1)).toMatch(/^\/file\.gz bytes=[1-9]\d+-$/);
    expect(await readdir(folder)).toEqual(['file.gz']);
  });

  it('takes a part that was whole, and begins anew where the server cannot continue', async () => {
    await writeFile(join(folder, 'file.gz.part'), content);
    await writeFile(join(folder, 'other.gz.part'), Buffer.concat([content, content]));
    await writeFile(join(folder, 'without-range.gz.part'), 'old');
    const names = ['file.gz', 'other.gz', 'without-range.gz'];
    const paths = await downloadFiles(
      names.map((name) => ({ url: `${origin}/${name}`, sha256 })),
      folder,
      quick,
    );
    for (const path of paths) expect(content.equals(await readFile(path))).toBe(true);
  });

  it('stores the bytes as sent, also when the server declares them encoded', async () => {
    const [path] = await downloadFiles([{ url: `${origin}/encoded.gz`, sha256 }], folder, quick);
    expect(content.equals(await readFile(path))).toBe(true);
  });

  it('removes a file of another checksum or size, and says which', async () => {
    const url = `${origin}/file.gz`;
    await expect(downloadFiles([{ url, sha256: '00' }], folder, quick)).rejects.toThrow(
      `must be the expected file, expected sha256 00, got ${sha256}; it was removed, try again`,
    );
    await expect(downloadFiles([{ url, bytes: 5 }], folder, quick)).rejects.toThrow('expected 5 bytes, got 300000');
    expect(await readdir(folder)).toEqual([]);
  });

  it('does not touch a file of the same name that is another', async () => {
    await writeFile(join(folder, 'file.gz'), 'mine');
    await expect(downloadFiles([{ url: `${origin}/file.gz`, bytes: content.length }], folder)).rejects.toThrow(
      /file\.gz must be the file of .*, expected 300000 bytes, got 4; move it away/,
    );
    expect(await readFile(join(folder, 'file.gz'), 'utf8')).toBe('mine');
  });

  it('gives up at once on a missing file, a redirect loop and another protocol', async () => {
    const download = (url: string) => downloadFiles([{ url }], folder, quick);
    await expect(download(`${origin}/missing.gz`)).rejects.toThrow(
      'missing.gz must succeed, got HTTP 404 Not Found (try 1 of 4)',
    );
    await expect(download(`${origin}/loop.gz`)).rejects.toThrow('got more than 5 redirects (try 1');
    await expect(download('ftp://localhost/file.gz')).rejects.toThrow(
      'got the protocol ftp: instead of http or https (try 1',
    );
    await expect(download(`${origin}/`)).rejects.toThrow('data: fileName must be the name of a file, got ""');
    expect(await readdir(folder)).toEqual([]);
  });

  it('tries again when the server is busy or falls silent', async () => {
    const download = (name: string) =>
      downloadFiles([{ url: `${origin}/${name}` }], folder, { ...quick, attempts: 2, timeoutMs: 100 });
    await expect(download('busy.gz')).rejects.toThrow('got HTTP 503 Service Unavailable (try 2 of 2)');
    await expect(download('silent.gz')).rejects.toThrow('got nothing for 0.1 s (try 2 of 2)');
  });
});
