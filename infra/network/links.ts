import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { HostError } from '../host/host-error.ts';
import type { Run } from '../host/run.ts';

const linkSchema = z.object({
  ifname: z.string(),
  flags: z.array(z.string()),
  mtu: z.int(),
  ifalias: z.string().optional(),
  master: z.string().optional(),
  address: z.string().optional(),
  linkinfo: z.object({ info_kind: z.string().optional() }).optional(),
  stats64: z.object({ rx: z.object({ packets: z.int() }), tx: z.object({ packets: z.int() }) }).optional(),
});
export type Link = z.infer<typeof linkSchema>;

const addressSchema = z.object({
  ifname: z.string().optional(),
  addr_info: z.array(z.object({ local: z.string().optional(), prefixlen: z.int(), scope: z.string() })),
});

/** The kernel's devices in one network namespace; null: the one this program runs in. */
export type Links = {
  all(): Promise<readonly Link[]>;
  /** Global ones, as `address/length`. */
  addresses(device: string): Promise<readonly string[]>;
  /** Commands of ip(8), one a line, in one run. */
  batch(lines: readonly string[]): Promise<void>;
};

export function linksOf(run: Run, namespace: string | null): Links {
  const within = namespace === null ? [] : ['-n', namespace];
  return {
    async all() {
      const text = await run('ip', [...within, '-d', '-s', '-j', 'link', 'show']);
      // Without devices ip(8) prints nothing, and empty objects for those it filters.
      return z
        .array(z.union([linkSchema, z.object({}).transform(() => undefined)]))
        .parse(JSON.parse(text || '[]'))
        .filter((link) => link !== undefined);
    },
    async addresses(device) {
      const text = await run('ip', [...within, '-j', 'address', 'show', 'dev', device]);
      return z
        .array(z.union([addressSchema, z.object({}).transform(() => undefined)]))
        .parse(JSON.parse(text || '[]'))
        .flatMap((link) => link?.addr_info ?? [])
        .filter(({ scope, local }) => scope === 'global' && local !== undefined)
        .map(({ local, prefixlen }) => `${local ?? ''}/${prefixlen}`);
    },
    async batch(lines) {
      if (lines.length > 0) await run('ip', [...within, '-batch', '-'], { input: `${lines.join('\n')}\n` });
    },
  };
}

/** `name` as in sysctl(8), with slashes, below `net/`; of the namespace this program runs in. */
export async function setSysctl(name: string, value: string): Promise<void> {
  await writeFile(`/proc/sys/net/${name}`, value).catch((cause: unknown) => {
    throw new HostError('transient', `net/${name} could not be set to ${value}`, { cause });
  });
}

export async function namespaces(run: Run): Promise<readonly string[]> {
  const text = await run('ip', ['-j', 'netns', 'list']);
  return z
    .array(z.object({ name: z.string() }))
    .parse(JSON.parse(text.trim() || '[]'))
    .map(({ name }) => name);
}
