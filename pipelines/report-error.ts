/**
 * Ends a command with one line for the person who ran it. A stack is printed on request, and where the message is
 * none of ours: then it is a defect, and the stack is what one needs.
 */
export function reportError(error: unknown, { verbose }: { verbose: boolean }): void {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  console.error(`error: ${message.trimEnd()}`);
  const ours = /^[a-z][a-z-]*: /.test(message) && !message.startsWith('internal: ');
  if (stack !== undefined && (verbose || !ours)) console.error(stack);
  process.exitCode = 1;
}

/** Nx keeps --verbose for itself and says so in the environment. */
export function isVerbose(flag: boolean | undefined): boolean {
  return flag === true || process.env.NX_VERBOSE_LOGGING === 'true' || Boolean(process.env.DEBUG);
}
