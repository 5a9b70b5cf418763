#!/usr/bin/env node
import { existsSync } from 'node:fs';

// npm links this file when it installs, before anything is built.
const program = new URL('../dist/codebeam.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  console.error('error: cli: codebeam must be built first, got no dist/codebeam.js; run `npm run build`');
  process.exitCode = 2;
}
