import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { titleSchema } from './entities/registry.ts';
import { openCertificateStore, type CertificateStore } from './tls/certificate-store.ts';

const usage = `Certificates for DICOM over TLS. DIRECTORY is the node's MEDUSA_DICOM_PKI (default: <MEDUSA_STORAGE_DIR>/dicom-pki).

  node infra/storage/dicom-ca.ts DIRECTORY status
  node infra/storage/dicom-ca.ts DIRECTORY issue TITLE --out FOLDER [--host NAME]… [--request FILE.csr] [--days N]
  node infra/storage/dicom-ca.ts DIRECTORY revoke CERTIFICATE.pem
  node infra/storage/dicom-ca.ts DIRECTORY add-authority      a further one is believed; give peers the new authorities.pem
  node infra/storage/dicom-ca.ts DIRECTORY promote NAME       it signs from now on, also this node's own certificate
  node infra/storage/dicom-ca.ts DIRECTORY retire NAME        it is believed no more
`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string' },
    host: { type: 'string', multiple: true, default: [] },
    request: { type: 'string' },
    days: { type: 'string' },
  },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function main([directory, verb, argument = '']: readonly string[]): Promise<void> {
  if (directory === undefined || verb === undefined) throw new Error(usage);
  const store = await openCertificateStore(directory);
  switch (verb) {
    case 'status':
      say(JSON.stringify(await store.status(), undefined, 2));
      return;
    case 'add-authority':
      say(await store.addAuthority());
      return;
    case 'promote':
      await store.promote(argument);
      return;
    case 'retire':
      await store.retire(argument);
      return;
    case 'revoke':
      await store.revoke(await readFile(argument, 'utf8'));
      return;
    case 'issue':
      await issueInto(store, argument);
      return;
    default:
      throw new Error(usage);
  }
}

async function issueInto(store: CertificateStore, title: string): Promise<void> {
  const { out, host: hosts, request, days } = values;
  if (out === undefined) throw new Error('Where to? --out FOLDER');
  const issued = await store.issue(titleSchema.parse(title), {
    hosts,
    ...(request !== undefined && { request: await readFile(request, 'utf8') }),
    ...(days !== undefined && { days: Number(days) }),
  });
  await mkdir(out, { recursive: true, mode: 0o700 });
  const write = async (name: string, text: string): Promise<void> =>
    writeFile(join(out, name), `${text.trim()}\n`, { mode: 0o600 });
  await write('certificate.pem', issued.certificate);
  await write('authorities.pem', issued.authorities);
  if (issued.key !== undefined) await write('key.pem', issued.key);
  say(issued.fingerprint256);
}

await main(positionals).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
