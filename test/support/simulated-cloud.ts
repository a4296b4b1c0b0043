import { spawn } from 'node:child_process';
import path from 'node:path';
import { freePorts } from '@medusa/kernel/free-ports';
import { waitFor } from './wait.ts';

const program = path.resolve(import.meta.dirname, '../../broker/provision/drivers/simulated/cloud-server.ts');

/** A cloud of its own for a test, as a program beside the broker. */
export async function startSimulatedCloud(): Promise<AsyncDisposable & { readonly url: string }> {
  const [port = 0] = await freePorts(1);
  const child = spawn(process.execPath, [program, '--port', String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  try {
    const url = await waitFor('the simulated cloud to listen', () => {
      if (child.exitCode !== null) throw new Error(`It ended: ${output}`);
      return /http:\/\/\S+/.exec(output)?.[0];
    });
    return { url, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
