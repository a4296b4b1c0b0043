import { connect, createServer, type Socket } from 'node:net';

/** Stands between a broker and its database, and sees each statement before it is sent on and when it is answered. */
export type PostgresTap = AsyncDisposable & {
  readonly url: string;
  /** As when the broker's machine is gone: nothing more goes either way. */
  cut(): void;
};

/** `stand` resolves when the statement, or its answer, may go on; never when the broker is killed there. */
export async function startPostgresTap(
  databaseUrl: string,
  stand: (step: 'statement' | 'result') => Promise<void>,
): Promise<PostgresTap> {
  const target = new URL(databaseUrl);
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.on('close', end).on('error', end);
    pump(client, upstream, {
      isStep: isStatement,
      hasStartup: true,
      stand: async () => stand('statement'),
    }).catch(end);
    pump(upstream, client, { isStep: isReady, hasStartup: false, stand: async () => stand('result') }).catch(
      end,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(typeof address === 'object' && address ? address.port : 0);
  const cut = (): void => {
    for (const pair of [...pairs]) for (const socket of pair) socket.destroy();
  };
  return {
    url: url.href,
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** PostgreSQL's protocol 3.0, "Message Formats": Query, and the Sync that ends an extended query. */
const isStatement = (type: number): boolean => type === 0x51 || type === 0x53;
/** ReadyForQuery. */
const isReady = (type: number): boolean => type === 0x5a;

async function pump(
  from: Socket,
  to: Socket,
  {
    isStep,
    hasStartup,
    stand,
  }: { isStep: (type: number) => boolean; hasStartup: boolean; stand: () => Promise<void> },
): Promise<void> {
  let pending = Buffer.alloc(0);
  let held: Buffer[] = [];
  let isStarting = hasStartup;
  for await (const chunk of from as AsyncIterable<Buffer>) {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      // The first message of a client has no type.
      const head = isStarting ? 0 : 1;
      if (pending.length < head + 4) break;
      const size = head + pending.readUInt32BE(head);
      if (pending.length < size) break;
      const type = isStarting ? 0 : (pending[0] ?? 0);
      held.push(pending.subarray(0, size));
      pending = pending.subarray(size);
      isStarting = false;
      if (isStep(type)) await stand();
      // What belongs to a statement goes with it: nothing of it reaches the server before it may.
      else if (belongsToStatement(type)) continue;
      to.write(Buffer.concat(held));
      held = [];
    }
  }
}

/** Of a client Parse, Bind, Describe, Execute and Close; of a server DataRow, CommandComplete and ErrorResponse share their letters. */
const belongsToStatement = (type: number): boolean => [0x50, 0x42, 0x44, 0x45, 0x43].includes(type);
