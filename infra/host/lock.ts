import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { HostError } from './host-error.ts';

/**
 * One command at a time: an abstract Unix socket (unix(7)) can be bound once, and the kernel frees it however its owner ends.
 * @throws HostError `transient` when it was not free for `limitMs`.
 */
export async function lock(folder: string, limitMs = 60_000): Promise<AsyncDisposable> {
  const name = `\0medusa-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}`;
  const deadline = Date.now() + limitMs;
  for (;;) {
    const server = createServer();
    const isOurs = await new Promise<boolean>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE') resolve(false);
        else reject(error);
      });
      server.listen(name, () => resolve(true));
    });
    if (isOurs)
      return {
        async [Symbol.asyncDispose]() {
          await new Promise((resolve) => server.close(resolve));
        },
      };
    if (Date.now() > deadline)
      throw new HostError('transient', `Another command has been at work in ${folder} for long`);
    await delay(25);
  }
}
