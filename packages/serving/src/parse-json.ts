import { RequestError } from './request-error.js';

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * A request's body, which may be anything.
 *
 * @throws RequestError 400 when it is not JSON in UTF-8, is nested deeper than any request is, or has keys that change an object's
 *         prototype
 */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) throw new RequestError(400, 'the body must be JSON, got nothing');
  if (depthOf(body) > maxDepth) throw new RequestError(400, `the body must be nested at most ${maxDepth} deep`);
  let text: string;
  try {
    text = decoder.decode(body);
  } catch {
    throw new RequestError(400, 'the body must be UTF-8');
  }
  let prototypeKey: string | undefined;
  const look = (key: string, value: unknown) => {
    if (key === '__proto__' || key === 'constructor' || key === 'prototype') prototypeKey ??= key;
    return value;
  };
  let value: unknown;
  try {
    // Looking at every key takes several times as long as parsing does; next to no body has reason to be looked at.
    value = /__proto__|constructor|prototype|\\u/.test(text) ? JSON.parse(text, look) : JSON.parse(text);
  } catch {
    throw new RequestError(400, 'the body must be JSON');
  }
  if (prototypeKey !== undefined) throw new RequestError(400, `the body must have keys of data, got ${prototypeKey}`);
  return value;
}

const maxDepth = 16;

/** How deep brackets stand in one another, outside of strings. */
function depthOf(body: Buffer): number {
  let depth = 0;
  let deepest = 0;
  let isText = false;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i];
    if (isText) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) isText = false;
    } else if (byte === 0x22) isText = true;
    else if (byte === 0x5b || byte === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return deepest;
}
