import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts } from '@medusa/kernel/free-ports';
import { waitFor } from './wait.ts';

/** A hospital PACS: Debian's Orthanc, alone on loopback. */
export type Orthanc = AsyncDisposable & {
  readonly aeTitle: string;
  readonly dicomPort: number;
  upload(folder: string): Promise<void>;
  /** C-STORE of everything it holds to the peer `MEDUSA`. Answers the number of instances sent. */
  push(): Promise<number>;
};

export async function startOrthanc(peer: {
  readonly aeTitle: string;
  readonly port: number;
}): Promise<Orthanc> {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'medusa-orthanc-'));
  starting.defer(async () => rm(folder, { recursive: true, force: true }));
  const [httpPort = 0, dicomPort = 0] = await freePorts(2);
  const aeTitle = 'HOSPITAL';
  const configuration = {
    Name: 'HOSPITAL',
    StorageDirectory: path.join(folder, 'storage'),
    IndexDirectory: path.join(folder, 'storage'),
    HttpPort: httpPort,
    RemoteAccessAllowed: false,
    AuthenticationEnabled: false,
    DicomAet: aeTitle,
    DicomPort: dicomPort,
    DicomModalities: { MEDUSA: [peer.aeTitle, '127.0.0.1', peer.port] },
    Plugins: [],
  };
  const file = path.join(folder, 'orthanc.json');
  await writeFile(file, JSON.stringify(configuration));
  const child = spawn('Orthanc', [file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  starting.defer(async () => {
    if (child.exitCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await exited;
  });
  const url = `http://127.0.0.1:${httpPort}`;
  await waitFor('Orthanc', async () => {
    if (child.exitCode !== null) throw new Error(`Orthanc ended:\n${log.slice(-2_000)}`);
    const answer = await fetch(`${url}/system`).catch(() => undefined);
    return answer?.ok ? true : undefined;
  });

  const running = starting.move();
  return {
    aeTitle,
    dicomPort,
    async upload(source) {
      for (const name of (await readdir(source)).filter((entry) => entry.endsWith('.dcm')).sort()) {
        const answer = await fetch(`${url}/instances`, {
          method: 'POST',
          body: await readFile(path.join(source, name)),
        });
        if (!answer.ok) throw new Error(`Orthanc refuses ${name}: ${answer.status}`);
      }
    },
    async push() {
      const studies = (await (await fetch(`${url}/studies`)).json()) as string[];
      const answer = await fetch(`${url}/modalities/MEDUSA/store`, {
        method: 'POST',
        body: JSON.stringify({ Resources: studies, Synchronous: true }),
      });
      const result = (await answer.json()) as { InstancesCount?: number; FailedInstancesCount?: number };
      if (!answer.ok || result.FailedInstancesCount !== 0)
        throw new Error(`C-STORE failed: ${JSON.stringify(result)}`);
      return result.InstancesCount ?? 0;
    },
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}
