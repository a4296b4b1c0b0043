import { spawn } from 'node:child_process';
import { type Identity, type Receiver, senderTitle } from './receivers.ts';

const peer = ['-aet', senderTitle, '-aec', 'BENCH'];
const pdu = ['--max-send-pdu', '131072', '-pdu', '131072'];

/** How DCMTK sends: `dcmsend`, or `storescu`, which is the one of them that speaks TLS. */
export type Sender = { readonly program: 'dcmsend' | 'storescu'; readonly identity?: Identity };

/** All files over so many associations at once, each its share. @returns seconds. @throws when a sender was refused anything. */
export async function send(
  files: readonly string[],
  to: Receiver,
  { program, identity, associations }: Sender & { readonly associations: number },
): Promise<number> {
  const shares = Array.from({ length: associations }, (_, share) =>
    files.filter((__, index) => index % associations === share),
  );
  const beganMs = performance.now();
  await Promise.all(
    shares.map(async (share) => {
      const port = identity ? to.tlsPort : to.port;
      const how = program === 'dcmsend' ? ['-q', '-dn', '-nuc'] : ['-q', '-xe', ...tlsOf(identity)];
      await run(program, [...how, ...pdu, ...peer, '127.0.0.1', String(port), ...share]);
    }),
  );
  return (performance.now() - beganMs) / 1_000;
}

/** All files over one association, in plain. */
export async function sendTo(files: readonly string[], port: number): Promise<void> {
  await run('dcmsend', ['-q', '-dn', '-nuc', ...pdu, ...peer, '127.0.0.1', String(port), ...files]);
}

function tlsOf(identity: Identity | undefined): string[] {
  if (!identity) return [];
  return ['+tls', identity.key, identity.certificate, '+cf', identity.authorities];
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-1_000)));
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0 || /Warning|Error/.test(complaint))
    throw new Error(`${program} ended with ${String(code)}: ${complaint}`);
}
