import { spawn } from 'node:child_process';
import { hostAnswerSchema, type HostNetworkCommand, type HostVolumeCommand } from '@medusa/protocol';
import { ProviderError } from '../../port/index.ts';

/** Runs a host's program with a command on its standard input; answers its standard output. */
export type Execute = (program: readonly string[], input: string, signal: AbortSignal) => Promise<string>;

/** Asks a program of a host. Its refusals come as the engine's faults. */
export async function askProgram(
  execute: Execute,
  program: readonly string[],
  { command, signal }: { command: HostNetworkCommand | HostVolumeCommand; signal: AbortSignal },
): Promise<readonly unknown[]> {
  signal.throwIfAborted();
  const output = await execute(program, JSON.stringify(command), signal);
  const answer = hostAnswerSchema.safeParse(parseJson(output.trim().split('\n').at(-1) ?? ''));
  if (!answer.success)
    throw new ProviderError(
      command.do === 'list' ? 'transient' : 'unknown-outcome',
      `${program.at(-1) ?? 'The program'} gave no answer`,
    );
  if (!answer.data.ok) throw new ProviderError(answer.data.fault, answer.data.message);
  return answer.data.things;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** On this very computer. */
export const executeHere: Execute = async ([command = '', ...args], input, signal) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'], env: {}, signal });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('error', (cause) => {
      reject(
        signal.aborted
          ? (signal.reason as Error)
          : new ProviderError('invalid', `${command} cannot be run`, { cause }),
      );
    });
    child.once('close', () => resolve(output));
    // A program that ends without reading gives no answer, and that is told.
    child.stdin.on('error', () => undefined).end(input);
  });
