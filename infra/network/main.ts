import { text } from 'node:stream/consumers';
import { hostAnswerSchema, type HostAnswer } from '@medusa/protocol';
import { z } from 'zod';
import { runCommand } from './program.ts';

/** Reads one command from standard input, answers one line; the exit code is 0 whenever there is an answer. */
const say = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  const input: unknown = JSON.parse(await text(process.stdin));
  const things = await runCommand(input, () => new Date(), say);
  say(JSON.stringify({ ok: true, things: [...things] } satisfies HostAnswer));
} catch (error) {
  say(JSON.stringify(refusalOf(error)));
}

function refusalOf(error: unknown): HostAnswer {
  if (error instanceof z.ZodError) return { ok: false, fault: 'invalid', message: z.prettifyError(error) };
  if (error instanceof SyntaxError)
    return { ok: false, fault: 'invalid', message: 'The command is no JSON document' };
  const message = error instanceof Error ? error.message : String(error);
  const fault = error instanceof Error && 'fault' in error ? error.fault : 'transient';
  const known = hostAnswerSchema.safeParse({ ok: false, fault, message });
  return known.data ?? { ok: false, fault: 'transient', message };
}
