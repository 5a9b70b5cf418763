import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** One file per command, each of which makes its own with help, options and action, and is loaded when it is asked for. */
const commands: Record<string, () => Promise<Command>> = {
  evaluate: async () => (await import('./evaluate.js')).evaluateCommand(),
  recommend: async () => (await import('./recommend.js')).recommendCommand(),
  serve: async () => (await import('./serve.js')).serveCommand(),
  simulate: async () => (await import('./simulate.js')).simulateCommand(),
  tune: async () => (await import('./tune.js')).tuneCommand(),
};
const asked = Object.hasOwn(commands, process.argv[2] ?? '') ? [process.argv[2]] : Object.keys(commands);

const program = new Command('codebeam')
  .version(manifest.version)
  .description(
    'Generative retrieval and recommenders: their lists, what those are worth, and a service that answers with them.',
  );
for (const name of asked) program.addCommand(await commands[name]());

/** Exit code of whatever the caller can mend: bad options, unreadable files. */
const usageError = 2;

/** One line for what the caller can mend; a stack where the fault is ours. */
function report(error: unknown): void {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const isOurs = /^[a-z][a-z0-9-]*: /.test(message) && !message.startsWith('internal: ');
  console.error(isOurs ? `error: ${message}` : stack);
  process.exitCode = isOurs ? usageError : 1;
}

/** Whoever reads may have seen enough: `codebeam help evaluate | head`. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

/** Commander says what is wrong with the options by itself and, when told so, throws instead of exiting with 1. */
for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : usageError;
  else report(error);
}
