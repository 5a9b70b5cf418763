import * as http from 'node:http';
import * as https from 'node:https';
import { z } from 'zod';
import type { Policy, Turn } from '../policy.js';

export interface RemotePolicyOptions {
  /** Where the service asks for one. */
  apiKey?: string;
  /** Seconds after which an answer is given up. Default 60. */
  timeoutSeconds?: number;
}

const answerSchema = z.object({ track: z.int().nonnegative() });
const refusalSchema = z.object({ error: z.string() });

/**
 * Plays what a service answers, botify's or this repository's: `POST /next/:user` with the track that was played and the share of it,
 * `POST /last/:user` after each session. All turns are asked at once over connections that stay open. What is known of users is the
 * service's to keep: the policy remembers nothing.
 *
 * @param url  of the service, e.g. http://127.0.0.1:8080
 * @throws Error (from `next` and `last`) when the service cannot be reached, is silent for too long or refuses; nothing is asked twice, as
 * the service may have logged it
 */
export function remotePolicy(url: string, { apiKey, timeoutSeconds = 60 }: RemotePolicyOptions = {}): Policy {
  const base = url.replace(/\/+$/, '');
  const { Agent, request } = new URL(base).protocol === 'https:' ? https : http;
  const agent = new Agent({ keepAlive: true });
  const headers = { 'content-type': 'application/json', ...(apiKey !== undefined && { 'x-api-key': apiKey }) };

  function post(path: string, payload: object): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const fail = (cause: Error) =>
        reject(
          new Error(
            `simulation: service at ${base} must answer, got ${cause.message || (cause as NodeJS.ErrnoException).code}; start it there, or name where it listens`,
            { cause },
          ),
        );
      const body = JSON.stringify(payload);
      const asked = request(
        `${base}${path}`,
        { method: 'POST', agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk) => chunks.push(chunk));
          response.on('end', () => resolve({ status: response.statusCode!, body: Buffer.concat(chunks).toString() }));
          response.on('error', fail);
        },
      );
      asked.setTimeout(1000 * timeoutSeconds, () => asked.destroy(new Error(`nothing for ${timeoutSeconds} s`)));
      asked.on('error', fail);
      asked.end(body);
    });
  }

  /** @returns what the service said */
  async function tell(message: 'next' | 'last', { user, track, time }: Turn): Promise<unknown> {
    const { status, body } = await post(`/${message}/${user}`, { track, time });
    const answer = parseJson(body);
    if (status === 200) return answer;
    const said = refusalSchema.safeParse(answer).data?.error ?? body.slice(0, 200);
    throw new Error(
      `simulation: service at ${base} must take /${message} of user ${user}, got ${status}: ${said}; ${remedy(status)}`,
    );
  }

  return {
    name: base,
    next: (turns) =>
      Promise.all(
        turns.map(async (turn) => {
          const asked = performance.now();
          const answer = answerSchema.safeParse(await tell('next', turn));
          if (answer.success) return { track: answer.data.track, latency: (performance.now() - asked) / 1000 };
          throw new Error(
            `simulation: service at ${base} must answer /next with {"user", "track"}, got something else for user ${turn.user}; name a service with botify's routes`,
          );
        }),
      ),
    async last(turns) {
      await Promise.all(turns.map((turn) => tell('last', turn)));
    },
  };
}

function remedy(status: number): string {
  switch (status) {
    case 400:
      return 'serve the catalogue that is simulated';
    case 401:
    case 403:
      return 'give its API key';
    case 404:
      return "name a service with botify's routes";
    case 429:
    case 503:
      return 'let fewer users listen at a time';
    default:
      return 'its log says why';
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
