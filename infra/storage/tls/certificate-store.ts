import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createExclusive } from '@medusa/kernel';
import { AppError } from '@medusa/protocol';
import { z } from 'zod';
import { identityOf } from '../entities/admission.ts';
import { issue, makeAuthority, makeRevocationList, sign, type KeyPair } from './authority.ts';

const authorityDays = 3_650;
const leafDays = 825;
const renewMs = 30 * 86_400_000;

const stateSchema = z.strictObject({
  /** The authority that signs from now on. */
  issuing: z.string(),
  /** All that are believed. More than one while peers change over. */
  trusted: z.array(z.string()).min(1),
  revoked: z.array(z.strictObject({ authority: z.string(), serialNumber: z.string(), at: z.iso.datetime() })),
});
type State = z.infer<typeof stateSchema>;

type Issued = {
  readonly certificate: string;
  readonly key?: string;
  readonly authorities: string;
  readonly fingerprint256: string;
};

/**
 * The node's own certificate authorities for DICOM over TLS, in files. Authorities change in three steps, so that no peer is
 * ever cut off: `addAuthority` (believed, peers learn of it), `promote` (it signs), `retire` (the old one is believed no more).
 */
export interface CertificateStore {
  /** Makes authority and own certificate when missing, and the latter anew 30 days before it ends or when its signer changed. */
  ensureOwn(commonName: string, hosts: readonly string[]): Promise<void>;
  addAuthority(): Promise<string>;
  promote(name: string): Promise<void>;
  retire(name: string): Promise<void>;
  issue(
    title: string,
    options: { hosts: readonly string[]; request?: string; days?: number },
  ): Promise<Issued>;
  /** @param certificate PEM. @param title when set, of no other common name. @throws AppError `certificate.refused` */
  revoke(certificate: string, title?: string): Promise<void>;
  status(): Promise<State>;
}

export async function openCertificateStore(directory: string): Promise<CertificateStore> {
  await mkdir(join(directory, 'trusted'), { recursive: true, mode: 0o700 });
  const file = (name: string): string => join(directory, name);
  const authorityFile = (name: string): string => file(`authority-${name}.pem`);

  const newAuthority = async (name: string): Promise<void> => {
    const made = await makeAuthority(
      `Medusa DICOM authority ${name} ${Date.now().toString(36)}`,
      authorityDays,
    );
    await writeWhole(file(`authority-${name}.key.pem`), made.key);
    await writeWhole(authorityFile(name), made.certificate);
    await writeWhole(file(`authority-${name}.crl.pem`), await makeRevocationList(made, []));
  };
  const read = async (): Promise<State> => {
    if (!existsSync(file('state.json'))) {
      await newAuthority('1');
      await write({ issuing: '1', trusted: ['1'], revoked: [] });
    }
    return stateSchema.parse(JSON.parse(await readFile(file('state.json'), 'utf8')));
  };
  const write = async (state: State): Promise<void> =>
    writeWhole(file('state.json'), JSON.stringify(state, undefined, 2));
  const authority = async (name: string): Promise<KeyPair> => ({
    certificate: await readFile(authorityFile(name), 'utf8'),
    key: await readFile(file(`authority-${name}.key.pem`), 'utf8'),
  });
  // Of two revocations at once none is lost.
  const exclusive = createExclusive();
  const bundle = async ({ trusted }: State): Promise<string> =>
    (await Promise.all(trusted.map(async (name) => readFile(authorityFile(name), 'utf8')))).join('\n');

  const revoke = async (certificate: X509Certificate, title: string | undefined): Promise<void> => {
    const { commonName } = identityOf(certificate);
    if (title !== undefined && commonName !== title)
      throw new AppError('certificate.refused', `That is the certificate of ${commonName}, not of ${title}`);
    const state = await read();
    for (const name of state.trusted) {
      const signer = await authority(name);
      if (!certificate.verify(new X509Certificate(signer.certificate).publicKey)) continue;
      const serialNumber = certificate.serialNumber.toLowerCase();
      const before = state.revoked.filter((entry) => entry.authority === name);
      const isKnown = before.some((entry) => entry.serialNumber === serialNumber);
      const added = isKnown ? [] : [{ authority: name, serialNumber, at: new Date().toISOString() }];
      await write({ ...state, revoked: [...state.revoked, ...added] });
      // Also when it was known: the node may have stopped before the list was written.
      const own = [...before, ...added];
      await writeWhole(file(`authority-${name}.crl.pem`), await makeRevocationList(signer, own));
      return;
    }
    throw new AppError('certificate.refused', 'No trusted authority of this node signed that certificate');
  };

  return {
    status: read,
    async ensureOwn(commonName, hosts) {
      const signer = await authority((await read()).issuing);
      if (await isCurrent(file('node.pem'), signer, { commonName, hosts })) return;
      const own = await issue(signer, { commonName, hosts, days: leafDays });
      // The key lies in the same file: there is no moment at which they do not fit.
      await writeWhole(file('node.pem'), `${own.certificate}\n${own.key}`);
    },
    async addAuthority() {
      const state = await read();
      const names = (await readdir(directory)).flatMap(
        (name) => /^authority-(\d+)\.pem$/.exec(name)?.[1] ?? [],
      );
      const name = String(Math.max(...names.map(Number)) + 1);
      await newAuthority(name);
      await write({ ...state, trusted: [...state.trusted, name] });
      return name;
    },
    async promote(name) {
      const state = await read();
      if (!state.trusted.includes(name)) throw new Error(`There is no trusted authority ${name}`);
      await write({ ...state, issuing: name });
    },
    async retire(name) {
      const state = await read();
      if (state.issuing === name) throw new Error('This authority signs: promote another one first');
      if (!state.trusted.includes(name)) throw new Error(`There is no trusted authority ${name}`);
      await write({ ...state, trusted: state.trusted.filter((other) => other !== name) });
    },
    async issue(title, { hosts, request, days = leafDays }) {
      const state = await read();
      const signer = await authority(state.issuing);
      const subject = { commonName: title, hosts, days };
      const made =
        request === undefined
          ? await issue(signer, subject)
          : { certificate: await sign(signer, subject, request) };
      const { fingerprint256 } = new X509Certificate(made.certificate);
      return { ...made, authorities: await bundle(state), fingerprint256 };
    },
    revoke: async (pem, title) => exclusive('state', async () => revoke(parsedCertificate(pem), title)),
  };
}

function parsedCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new AppError('certificate.refused', 'The certificate cannot be read', { cause: error });
  }
}

async function isCurrent(
  path: string,
  signer: KeyPair,
  { commonName, hosts }: { commonName: string; hosts: readonly string[] },
): Promise<boolean> {
  if (!existsSync(path)) return false;
  const certificate = new X509Certificate(await readFile(path, 'utf8'));
  if (certificate.validToDate.getTime() - Date.now() < renewMs) return false;
  if (!certificate.verify(new X509Certificate(signer.certificate).publicKey)) return false;
  if (certificate.subject !== `CN=${commonName}`) return false;
  return hosts.every((host) =>
    isIP(host) === 0 ? certificate.checkHost(host) !== undefined : certificate.checkIP(host) !== undefined,
  );
}

/** Whole or not at all, so that a crash leaves no half-written key. */
async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.part`, `${text.trim()}\n`, { mode: 0o600, flush: true });
  await rename(`${path}.part`, path);
}
