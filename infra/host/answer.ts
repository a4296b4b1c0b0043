import { text } from 'node:stream/consumers';
import { hostAnswerSchema, type HostAnswer } from '@medusa/protocol';
import { z } from 'zod';

/**
 * One command from standard input, one line to standard output: what there is now, or why not. The exit code is 0 whenever
 * there is an answer.
 */
export async function answerCommand(
  act: (command: unknown, tell: (line: string) => void) => Promise<readonly unknown[]>,
): Promise<void> {
  const tell = (line: string): void => void process.stdout.write(`${line}\n`);
  try {
    const things = await act(JSON.parse(await text(process.stdin)), tell);
    tell(JSON.stringify({ ok: true, things: [...things] } satisfies HostAnswer));
  } catch (error) {
    tell(JSON.stringify(refusalOf(error)));
  }
}

function refusalOf(error: unknown): HostAnswer {
  if (error instanceof z.ZodError) return { ok: false, fault: 'invalid', message: z.prettifyError(error) };
  if (error instanceof SyntaxError)
    return { ok: false, fault: 'invalid', message: 'The command is no JSON document' };
  const message = error instanceof Error ? error.message : String(error);
  const fault = error instanceof Error && 'fault' in error ? error.fault : 'transient';
  return (
    hostAnswerSchema.safeParse({ ok: false, fault, message }).data ?? {
      ok: false,
      fault: 'transient',
      message,
    }
  );
}
