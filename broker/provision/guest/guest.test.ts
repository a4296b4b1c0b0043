import { applicationSchema, imageSpecSchema, nodeIdSchema } from '@medusa/protocol';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { environmentFile } from './guest-start.ts';
import { guestOf, openImageStore, plainGuest, toldGuest, type GuestOptions } from './index.ts';

/**
 * What cloud-init's schema (cloudinit/config/schemas/schema-cloud-config-v1.json) asks of the parts we use. A list of
 * lists is taken as commands with their arguments: no shell sees them.
 */
const cloudConfigSchema = z.strictObject({
  write_files: z
    .array(
      z.strictObject({
        path: z.string().startsWith('/'),
        owner: z.string().regex(/^[a-z]+:[a-z]+$/),
        permissions: z.string().regex(/^0[0-7]{3}$/),
        content: z.string(),
      }),
    )
    .min(1),
  runcmd: z.array(z.array(z.string()).min(1)).min(1),
});

const application = applicationSchema.parse({
  ...{ id: 'workstation', name: `"W" \\ $HOME \`id\` <R&D>`, description: '', kind: 'workstation' },
  ...{ studyAccess: 'dicomweb', resources: { memoryMiB: 1_024, cpus: 1 }, modes: ['streamed'] },
});
const options: GuestOptions = {
  guest: { nodeId: nodeIdSchema.parse('render-1'), role: 'render', incarnation: 2 },
  joinToken: 'header.payload.signature',
  brokerUrl: 'https://10.0.0.1:8443',
  brokerCa: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
  slots: 2,
  applications: [application],
};

/** As systemd reads `EnvironmentFile=` (src/basic/env-file.c): in double quotes, a backslash takes `"\`$` literally. */
function readEnvironmentFile(text: string): Record<string, string> {
  const lines = [...text.matchAll(/^([A-Z_]+)="((?:[^"\\]|\\[\s\S])*)"$/gm)];
  return Object.fromEntries(
    lines.map(([, name = '', value = '']) => [name, value.replaceAll(/\\(["\\`$])/g, '$1')]),
  );
}

describe('guestOf', () => {
  it('tells the same by environment and by user data, the authority in a file', () => {
    const { environment, userData } = guestOf(options);

    expect(userData).toMatch(/^#cloud-config\n/);
    const config = cloudConfigSchema.parse(parse(userData));
    const [settings, authority] = config.write_files;
    expect(settings).toMatchObject({ path: '/etc/medusa/agent.env', permissions: '0600' });
    expect(readEnvironmentFile(settings?.content ?? '')).toEqual({
      ...environment,
      MEDUSA_CA: '/etc/medusa/ca.pem',
    });
    expect(authority?.content).toBe(options.brokerCa);
    expect(Buffer.from(environment['MEDUSA_CA'] ?? '', 'base64').toString()).toBe(options.brokerCa);
    // Not every provider takes values of more lines than one, or with markup.
    expect(environment['MEDUSA_APPLICATIONS']).not.toMatch(/[<>&]/);
    expect(Object.values(environment).join('')).not.toContain('\n');
    expect(config.runcmd).toEqual([['systemctl', 'start', '--no-block', 'medusa-agent.service']]);
    expect(z.array(applicationSchema).parse(JSON.parse(environment['MEDUSA_APPLICATIONS'] ?? ''))).toEqual([
      application,
    ]);
  });

  it('fits into the 16 KiB that the tightest provider takes', () => {
    const { userData } = guestOf({ ...options, joinToken: 'x'.repeat(700), brokerCa: 'c'.repeat(2_000) });

    expect(Buffer.byteLength(userData)).toBeLessThan(16_384);
  });

  it('tells a storage node its ports and nothing of applications, and lets the caller override', () => {
    const guest = { ...options.guest, role: 'storage' } as const;
    const { environment } = guestOf({ ...options, guest, environment: { MEDUSA_DICOM_PORT: '104' } });

    expect(environment).toMatchObject({ MEDUSA_DICOM_PORT: '104', MEDUSA_STORAGE_HTTPS_PORT: '8443' });
    expect(environment).not.toHaveProperty('MEDUSA_APPLICATIONS');
  });

  it('leaves a machine without our authority to its own, and a plain machine without anything', () => {
    const { environment, userData } = guestOf({ ...options, brokerCa: null });

    expect(environment).not.toHaveProperty('MEDUSA_CA');
    expect(cloudConfigSchema.parse(parse(userData)).write_files).toHaveLength(1);
    expect([plainGuest.environment, parse(plainGuest.userData)]).toEqual([{}, {}]);
    expect(toldGuest({})).toEqual(plainGuest);
  });

  it('tells a plain machine what its service tells it, in a file for units too', () => {
    const told = { SERVICE_DATABASE_HOSTNAME: '10.0.0.7', SERVICE_LIMIT: 'a "b"' };
    const { environment, userData } = toldGuest(told);

    expect(environment).toEqual(told);
    const [file] = cloudConfigSchema.pick({ write_files: true }).parse(parse(userData)).write_files;
    expect(file).toMatchObject({ path: '/etc/medusa/service.env', permissions: '0600' });
    expect(readEnvironmentFile(file?.content ?? '')).toEqual(told);
  });
});

describe('environmentFile', () => {
  it('gives back what systemd would take for something else', () => {
    const values = { A: 'a "b" \\ $c `d`', B: 'two\nlines\n', C: '', D: "it's = # ;" };

    expect(readEnvironmentFile(environmentFile(values))).toEqual(values);
  });
});

describe('the image store', () => {
  const spec = imageSpecSchema.parse({
    ...{ kind: 'image', role: 'render', architecture: 'x64', format: 'raw' },
  });
  const store = (script: string): ReturnType<typeof openImageStore> =>
    openImageStore({
      command: [process.execPath, '-e', script, '--'],
      environment: {},
      log: pino({ level: 'silent' }),
    });

  it('answers what the program built', async () => {
    const script = `console.error('layer'); console.log(JSON.stringify({ file: process.argv.slice(1).join(' '), contentHash: 'h' }))`;

    expect(await store(script)(spec, AbortSignal.timeout(20_000))).toEqual({
      file: 'build --role render --architecture x64 --format raw',
      contentHash: 'h',
    });
  });

  it('tells why the program could not, and ends it when nobody waits any more', async () => {
    const failing = store(`console.error('no debootstrap here'); process.exit(1)`);
    await expect(failing(spec, AbortSignal.timeout(20_000))).rejects.toThrow('no debootstrap here');

    const abort = new AbortController();
    const hanging = store('setInterval(() => 0, 1e6)')(spec, abort.signal);
    abort.abort();
    await expect(hanging).rejects.toThrow('abort');
  });
});
