import type { Application } from '@medusa/protocol';
import { stringify } from 'yaml';
import type { GuestStart } from '../port/index.ts';
import type { Guest } from './joining.ts';
import { guestManifests, rtcPort } from './manifest.ts';

export type GuestOptions = {
  readonly guest: Guest;
  /** Of `Joining.invite`. */
  readonly joinToken: string;
  /** As the machine reaches it. */
  readonly brokerUrl: string;
  /** PEM: the one authority that the machine trusts. null = those of its system. */
  readonly brokerCa: string | null;
  /** null = as many as it has processors. */
  readonly slots: number | null;
  readonly applications: readonly Application[];
  /** Overrides and additions, e.g. `MEDUSA_RTC_ADDRESS` behind address translation. */
  readonly environment?: Readonly<Record<string, string>>;
};

/** Where user data puts what the agent is told; the unit of the guest images reads it. */
export const guestFiles = {
  environment: '/etc/medusa/agent.env',
  authority: '/etc/medusa/ca.pem',
  service: '/etc/medusa/service.env',
} as const;
export const guestUnit = 'medusa-agent.service';

/**
 * How a machine comes to be the node: told by its environment where the provider has such a thing (a process, a
 * container), or by cloud-init user data (https://cloudinit.readthedocs.io/en/latest/reference/modules.html: Write
 * Files, Runcmd). Our images have everything; nothing is downloaded at boot.
 */
export function guestOf(options: GuestOptions): GuestStart {
  const environment = environmentOf(options);
  const { brokerCa } = options;
  const inFile = brokerCa === null ? environment : { ...environment, MEDUSA_CA: guestFiles.authority };
  const files = [
    file(guestFiles.environment, '0600', environmentFile(inFile)),
    ...(brokerCa === null ? [] : [file(guestFiles.authority, '0644', brokerCa)]),
  ];
  // Not waited for: the unit may want to run after cloud-init, which would wait for it.
  const runcmd = [['systemctl', 'start', '--no-block', guestUnit]];
  return { environment, userData: `#cloud-config\n${stringify({ write_files: files, runcmd })}` };
}

/** A machine of which nobody expects that it joins. */
export const plainGuest: GuestStart = { environment: {}, userData: '#cloud-config\n{}\n' };

/** A plain machine that is told something: in its environment, and in a file for units (systemd.exec(5), `EnvironmentFile=`). */
export function toldGuest(environment: Readonly<Record<string, string>>): GuestStart {
  if (Object.keys(environment).length === 0) return plainGuest;
  const files = [file(guestFiles.service, '0600', environmentFile(environment))];
  return { environment: { ...environment }, userData: `#cloud-config\n${stringify({ write_files: files })}` };
}

function environmentOf(options: GuestOptions): Record<string, string> {
  const { guest, joinToken, brokerUrl, brokerCa, slots, applications } = options;
  return {
    MEDUSA_BROKER_URL: brokerUrl,
    MEDUSA_NODE_ID: guest.nodeId,
    MEDUSA_JOIN_TOKEN: joinToken,
    // LXD takes no line breaks, and PEM has nothing else between its lines.
    ...(brokerCa === null ? {} : { MEDUSA_CA: Buffer.from(brokerCa).toString('base64') }),
    ...(guest.role === 'render' && {
      MEDUSA_RTC_PORT: String(rtcPort),
      MEDUSA_APPLICATIONS: markupFree(JSON.stringify(applications)),
      ...(slots !== null && { MEDUSA_SLOTS: String(slots) }),
    }),
    ...(guest.role === 'storage' && storageEnvironment()),
    ...options.environment,
  };
}

/** The same JSON without characters that mean something in XML: not every provider escapes them. */
function markupFree(json: string): string {
  return json.replaceAll(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}

function storageEnvironment(): Record<string, string> {
  const [dicom, dicomweb] = guestManifests.storage.ports;
  return {
    MEDUSA_BIND: '0.0.0.0',
    MEDUSA_DICOM_PORT: String(dicom?.port),
    MEDUSA_STORAGE_HTTPS_PORT: String(dicomweb?.port),
  };
}

function file(path: string, permissions: string, content: string): Record<string, string> {
  return { path, owner: 'root:root', permissions, content };
}

/** As systemd.exec(5) reads `EnvironmentFile=`: in double quotes a value may have lines, and four characters are escaped. */
export function environmentFile(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .map(([name, value]) => `${name}="${value.replaceAll(/["\\`$]/g, '\\$&')}"\n`)
    .join('');
}
