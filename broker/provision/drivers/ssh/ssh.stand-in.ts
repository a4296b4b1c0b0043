import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import ssh2, { type Connection, type ParsedKey } from 'ssh2';
import { fingerprintOf } from './connection.ts';

const { Server, utils } = ssh2;

/** A host with an SSH server on loopback that runs what it is told on this computer, as a real one does. */
export type SshStandIn = AsyncDisposable & {
  readonly port: number;
  readonly fingerprint: string;
  readonly privateKey: string;
  /** A key that it does not know. */
  readonly otherKey: string;
  readonly commandLines: readonly string[];
  /** From now on connections break as soon as a command was read; undefined: no more. */
  breakAfter: 'command' | undefined;
  /** Drops everyone, as a restart of the server does. */
  drop(): void;
};

function publicKeyOf(text: string): ParsedKey {
  const key = utils.parseKey(text);
  if (key instanceof Error) throw key;
  return key;
}

export async function startSshStandIn(): Promise<SshStandIn> {
  const hostKey = utils.generateKeyPairSync('ecdsa', { bits: 256 });
  const userKey = utils.generateKeyPairSync('ecdsa', { bits: 256 });
  const allowed = publicKeyOf(userKey.public);
  const own = publicKeyOf(hostKey.public);
  const connections = new Set<Connection>();
  const children = new Set<ChildProcess>();
  const commandLines: string[] = [];
  const server = new Server({ hostKeys: [hostKey.private] }, (connection) => {
    connections.add(connection);
    connection.on('error', () => undefined);
    connection.once('close', () => connections.delete(connection));
    connection.on('authentication', (context) => {
      const isKnown = context.method === 'publickey' && context.key.data.equals(allowed.getPublicSSH());
      const isSigned =
        isKnown &&
        (context.signature === undefined ||
          allowed.verify(context.blob ?? Buffer.alloc(0), context.signature, context.hashAlgo));
      if (isSigned) context.accept();
      else context.reject(['publickey']);
    });
    connection.on('session', (acceptSession) => {
      acceptSession().on('exec', (acceptExec, _reject, { command }) => {
        commandLines.push(command);
        const channel = acceptExec();
        const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'pipe', 'pipe'], env: {} });
        children.add(child);
        channel.pipe(child.stdin).on('error', () => undefined);
        child.stdout.on('data', (part: Buffer) => channel.write(part));
        child.stderr.on('data', (part: Buffer) => channel.stderr.write(part));
        child.once('close', (code) => {
          children.delete(child);
          if (standIn.breakAfter === 'command') {
            connection.end();
            return;
          }
          channel.exit(code ?? 1);
          channel.end();
        });
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const standIn: SshStandIn = {
    port: (server.address() as { port: number }).port,
    fingerprint: fingerprintOf(own.getPublicSSH()),
    privateKey: userKey.private,
    otherKey: utils.generateKeyPairSync('ecdsa', { bits: 256 }).private,
    commandLines,
    breakAfter: undefined,
    drop() {
      for (const connection of connections) connection.end();
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill('SIGKILL');
      for (const connection of connections) connection.end();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
  return standIn;
}
