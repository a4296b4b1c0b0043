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
