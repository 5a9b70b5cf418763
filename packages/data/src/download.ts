import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps } from 'node:https';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hashFile } from './hash-file.js';

/** A file to have, and what is known of it beforehand. */
export interface Download {
  url: string;
  /** Default: the last part of the address. */
  fileName?: string;
  /** Size, where known. */
  bytes?: number;
  /** Checksum in hexadecimal digits, where known. */
  sha256?: string;
}

export interface DownloadProgress {
  fileName: string;
  receivedBytes: number;
  /** Where the server or the caller stated it. */
  totalBytes?: number;
}

export interface DownloadOptions {
  /** Called for each piece that arrives. */
  onProgress?: (progress: DownloadProgress) => void;
  /** How long the server may send nothing. Default 30,000. */
  timeoutMs?: number;
  /** How often a file is tried, each time from where the last try ended. Default 4. */
  attempts?: number;
  /** Pause before the second try, doubled for each further one. Default 1,000. */
  retryDelayMs?: number;
}

/**
 * Downloads files one after another into a folder. A file comes as `<name>.part`, is continued from there after a break
 * (HTTP Range, RFC 9110 sec. 14), in this call or in a later one, and takes its name only when size and checksum are
 * right. What is there under its name already is checked and not downloaded.
 *
 * @returns the paths, in the order of `files`
 * @throws Error naming address and reason. After a broken connection the `.part` stays, for the next call to continue;
 *   after a wrong checksum it is removed
 */
export async function downloadFiles(
  files: readonly Download[],
  folder: string,
  options: DownloadOptions = {},
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const paths: string[] = [];
  for (const file of files) paths.push(await downloadFile(file, folder, options));
  return paths;
}

async function downloadFile(file: Download, folder: string, options: DownloadOptions): Promise<string> {
  const path = join(folder, nameOf(file));
  if ((await sizeOf(path)) !== undefined) {
    const fault = await faultOf(path, file);
    if (fault !== undefined) throw new Error(`data: ${path} must be the file of ${file.url}, ${fault}; move it away`);
    return path;
  }
  const part = `${path}.part`;
  const { attempts = 4, retryDelayMs = 1000 } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      await receive(file, part, options);
      break;
    } catch (cause) {
      const isLast = attempt >= attempts || (cause instanceof Error && cause.cause === noRetry);
      if (isLast) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new Error(
          `data: download of ${file.url} must succeed, got ${reason} (try ${attempt} of ${attempts}); run it again to ` +
            `continue, or put the file into ${folder} yourself`,
          { cause },
        );
      }
      await sleep(retryDelayMs * 2 ** (attempt - 1));
    }
  }
  const fault = await faultOf(part, file);
  if (fault !== undefined) {
    await rm(part);
    throw new Error(`data: download of ${file.url} must be the expected file, ${fault}; it was removed, try again`);
  }
  await rename(part, path);
  return path;
}

/** Marks, as a cause, what trying again cannot mend. */
const noRetry = Symbol('no retry');

/** One try: appends to the part what it lacks. */
async function receive(file: Download, part: string, options: DownloadOptions): Promise<void> {
  let have = (await sizeOf(part)) ?? 0;
  if (file.bytes !== undefined && have === file.bytes) return;
  if (file.bytes !== undefined && have > file.bytes) have = 0;
  const response = await request(file.url, have, options.timeoutMs ?? 30_000);
  try {
    const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(response.headers['content-range'] ?? '');
    if (response.statusCode === 416 && Number(range?.[2]) === have) return; // the part was whole
    if (response.statusCode === 416) {
      await rm(part, { force: true });
      throw new Error('HTTP 416: the part does not fit the file');
    }
    const continues = response.statusCode === 206 && Number(range?.[1]) === have;
    if (!continues && response.statusCode !== 200) {
      const { statusCode = 0, statusMessage } = response;
      const isPassing = statusCode >= 500 || [206, 408, 429].includes(statusCode);
      throw new Error(`HTTP ${statusCode} ${statusMessage}`, isPassing ? undefined : { cause: noRetry });
    }
    if (!continues) have = 0;
    const length = response.headers['content-length'];
    const total = length === undefined ? file.bytes : have + Number(length);
    const received = await append(response, part, have, (receivedBytes) =>
      options.onProgress?.({ fileName: nameOf(file), receivedBytes, totalBytes: total }),
    );
    if (total !== undefined && received < total) throw new Error(`${received} of ${total} bytes`);
  } finally {
    response.destroy();
  }
}

/** @returns the size of the part afterwards */
async function append(
  response: IncomingMessage,
  part: string,
  from: number,
  onBytes: (receivedBytes: number) => void,
): Promise<number> {
  let received = from;
  const output = await open(part, from === 0 ? 'w' : 'a');
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      await output.writeFile(chunk).catch((error: Error) => {
        throw new Error(`${error.message} while writing ${part}`, { cause: noRetry });
      });
      received += chunk.length;
      onBytes(received);
    }
    await output.sync();
  } finally {
    await output.close();
  }
  return received;
}

const maxRedirects = 5;

/** The plain `http` module, as `fetch` would gunzip bodies and so change sizes, ranges and checksums. */
async function request(url: string, from: number, timeoutMs: number): Promise<IncomingMessage> {
  let address = new URL(url);
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const response = await requestOnce(address, from, timeoutMs);
    const { statusCode = 0, headers } = response;
    if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) return response;
    response.destroy();
    address = new URL(headers.location, address);
  }
  throw new Error(`more than ${maxRedirects} redirects`, { cause: noRetry });
}

function requestOnce(address: URL, from: number, timeoutMs: number): Promise<IncomingMessage> {
  if (address.protocol !== 'http:' && address.protocol !== 'https:') {
    throw new Error(`the protocol ${address.protocol} instead of http or https`, { cause: noRetry });
  }
  const get = address.protocol === 'https:' ? getHttps : getHttp;
  const headers = { 'accept-encoding': 'identity', ...(from > 0 && { range: `bytes=${from}-` }) };
  return new Promise((resolve, reject) => {
    let response: IncomingMessage | undefined;
    const sent = get(address, { headers, agent: false }, (received) => {
      response = received;
      resolve(received);
    });
    sent.setTimeout(timeoutMs, () => (response ?? sent).destroy(new Error(`nothing for ${timeoutMs / 1000} s`)));
    sent.on('error', reject);
  });
}

function nameOf(file: Download): string {
  const name = file.fileName ?? decodeURIComponent(new URL(file.url).pathname.split('/').at(-1) ?? '');
  if (name === '' || name === '.' || name === '..' || name !== basename(name)) {
    throw new RangeError(`data: fileName must be the name of a file, got "${name}" for ${file.url}; set one`);
  }
  return name;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** What is wrong with a file, as "expected ..., got ..."; undefined when nothing is. */
async function faultOf(path: string, { bytes, sha256 }: Download): Promise<string | undefined> {
  const size = await sizeOf(path);
  if (bytes !== undefined && size !== bytes) return `expected ${bytes} bytes, got ${size}`;
  if (sha256 === undefined) return undefined;
  const digest = await hashFile(path);
  return digest === sha256.toLowerCase() ? undefined : `expected sha256 ${sha256}, got ${digest}`;
}
