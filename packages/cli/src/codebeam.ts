import { Command, CommanderError } from 'commander';
import { evaluateCommand } from './evaluate.js';
import { recommendCommand } from './recommend.js';
import { serveCommand } from './serve.js';
import { tuneCommand } from './tune.js';

/** The program: one file per command, each of which makes its own with help, options and action. */
const program = new Command('codebeam')
  .description('Generative retrieval and recommenders: their lists, and what those are worth.')
  .addCommand(evaluateCommand())
  .addCommand(recommendCommand())
  .addCommand(serveCommand())
  .addCommand(tuneCommand());

/** Exit code of whatever the caller can mend: bad options, unreadable files. */
const usageError = 2;

/** One line for what the caller can mend; a stack where the fault is ours. */
function report(error: unknown): void {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const isOurs = /^[a-z][a-z-]*: /.test(message) && !message.startsWith('internal: ');
  console.error(isOurs ? `error: ${message}` : stack);
  process.exitCode = isOurs ? usageError : 1;
}

/** Whoever reads may have seen enough: `codebeam help evaluate | head`. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

/** Commander says what is wrong with the options by itself and, when told so, throws instead of exiting with 1. */
for (const command of [program, ...program.commands]) command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : usageError;
  else report(error);
}
