import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:https';
import path from 'node:path';
import { openBrokerKeys } from '@medusa/broker/tokens';
import { checkoutDir } from './config.ts';
import type { Stack } from './stack.ts';

/** Stores the CT series that ships with the tests, by STOW-RS (PS3.18 §10.5). Stored twice, it changes nothing. */
export async function loadDemoStudy(stack: Stack, report: (line: string) => void): Promise<void> {
  const folder = path.join(checkoutDir, 'test/data/ct-chest');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.dcm')).sort();
  const keys = await openBrokerKeys(stack.secrets.brokerSigningKey);
  const token = await keys.signStudyToken({ sub: 'demo', study: '*', permission: 'write' }, 300);
  const ca = await readFile(stack.secrets.caFile);
  const batch = 20;
  for (let start = 0; start < names.length; start += batch) {
    const files = await Promise.all(
      names.slice(start, start + batch).map(async (name) => readFile(path.join(folder, name))),
    );
    await store(`${stack.storageUrl}/studies`, files, { ca, token });
    report(`demo study: ${Math.min(start + batch, names.length)} of ${names.length} images`);
  }
}

async function store(
  url: string,
  files: readonly Buffer[],
  access: { ca: Buffer; token: string },
): Promise<void> {
  const boundary = randomUUID();
  const head = Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`);
  const body = Buffer.concat([
    ...files.flatMap((file) => [head, file, Buffer.from('\r\n')]),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
  await new Promise<void>((resolve, reject) => {
    const sent = request(
      url,
      {
        method: 'POST',
        ca: access.ca,
        headers: {
          authorization: `Bearer ${access.token}`,
          'content-type': `multipart/related; type="application/dicom"; boundary=${boundary}`,
          'content-length': body.byteLength,
        },
      },
      (response) => {
        response.resume();
        const { statusCode = 0 } = response;
        response.on('end', () =>
          statusCode < 300 ? resolve() : reject(new Error(`The demo study was refused: HTTP ${statusCode}`)),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
