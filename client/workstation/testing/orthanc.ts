import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@medusa/kernel/free-ports';

const startTimeoutMs = 30_000;

/** A real archive with DICOMweb on loopback, in a directory of its own that goes with it. */
interface Archive extends AsyncDisposable {
  readonly dicomwebUrl: string;
  storeFolder(folder: string): Promise<void>;
  store(object: Uint8Array): Promise<void>;
}

export async function startOrthanc(): Promise<Archive> {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'workstation-orthanc-'));
  starting.defer(async () => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await writeFile(
    join(folder, 'orthanc.json'),
    JSON.stringify({
      StorageDirectory: folder,
      IndexDirectory: folder,
      HttpPort: port,
      HttpBindAddresses: ['127.0.0.1'],
      RemoteAccessAllowed: false,
      DicomServerEnabled: false,
      Plugins: ['/usr/share/orthanc/plugins/libOrthancDicomWeb.so'],
      DicomWeb: { Enable: true, Root: '/dicom-web/' },
    }),
  );
  const orthanc = spawn('Orthanc', [join(folder, 'orthanc.json')], { stdio: 'ignore' });
  starting.defer(async () => {
    if (orthanc.exitCode !== null) return;
    const exited = once(orthanc, 'exit');
    orthanc.kill();
    await exited;
  });
  await answers(`${url}/system`);

  const store = async (object: Uint8Array): Promise<void> => {
    const response = await fetch(`${url}/instances`, { method: 'POST', body: new Uint8Array(object) });
    if (!response.ok) throw new Error(`Orthanc refused an object with status ${response.status}.`);
  };
  const parts = starting.move();
  return {
    dicomwebUrl: `${url}/dicom-web`,
    store,
    storeFolder: async (path) => {
      for (const name of await readdir(path)) await store(await readFile(join(path, name)));
    },
    [Symbol.asyncDispose]: async () => parts.disposeAsync(),
  };
}

async function answers(url: string): Promise<void> {
  const deadline = AbortSignal.timeout(startTimeoutMs);
  for (;;) {
    deadline.throwIfAborted();
    const isUp = await fetch(url, { signal: deadline }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    await delay(50, undefined, { signal: deadline });
  }
}
