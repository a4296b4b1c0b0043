import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';

const execute = promisify(execFile);

/** A place with a network of its own. */
export type Site = {
  readonly namespace: string;
  /** On the link between the sites. */
  readonly siteAddress: string;
  /** What a program is started with to be there. */
  readonly wrapper: readonly [string, ...string[]];
};

/**
 * Two sites and the link between them, which carries nothing but studies and pictures: the broker is reached by another way from each.
 * Disposing leaves nothing.
 */
export type Sites = AsyncDisposable & {
  readonly data: Site;
  readonly people: Site;
  /** Of the broker, on this machine. */
  readonly brokerAddress: string;
  /** What has crossed the link between the sites so far, both ways, with all headers. */
  readonly countBytes: () => Promise<number>;
};

const countSchema = z.array(
  z.object({
    stats64: z.object({ rx: z.object({ bytes: z.int() }), tx: z.object({ bytes: z.int() }) }),
  }),
);

export async function openSites(): Promise<Sites> {
  await using opening = new AsyncDisposableStack();
  const id = randomBytes(2).toString('hex');
  const brokerAddress = '10.79.2.1';
  const open = async (name: string, address: string): Promise<Site> => {
    const namespace = `msplit-${id}-${name}`;
    await ip('netns', 'add', namespace);
    opening.defer(async () => ip('netns', 'delete', namespace));
    await ip('-n', namespace, 'link', 'set', 'lo', 'up');
    return { namespace, siteAddress: address, wrapper: ['nsenter', `--net=/run/netns/${namespace}`] };
  };
  const data = await open('data', '10.79.1.1');
  const people = await open('people', '10.79.1.2');
  const [one, other] = [data.namespace, people.namespace];
  await ip('link', 'add', 'site', 'netns', one, 'type', 'veth', 'peer', 'name', 'site', 'netns', other);
  for (const { namespace, siteAddress } of [data, people]) await up(namespace, 'site', `${siteAddress}/24`);
  await connectHere(data, { here: `ms${id}d`, from: `${brokerAddress}/24`, to: '10.79.2.2/24' });
  await connectHere(people, { here: `ms${id}p`, from: '10.79.3.1/24', to: '10.79.3.2/24' });
  await ip('-n', people.namespace, 'route', 'add', brokerAddress, 'via', '10.79.3.1');
  const running = opening.move();
  return {
    ...{ data, people, brokerAddress },
    countBytes: async () => {
      const { stdout } = await execute('ip', ['-n', other, '-s', '-j', 'link', 'show', 'site']);
      const [link] = countSchema.parse(JSON.parse(stdout));
      return (link?.stats64.rx.bytes ?? 0) + (link?.stats64.tx.bytes ?? 0);
    },
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

/** The end that is here goes with the other one, when its namespace is deleted. */
async function connectHere(
  { namespace }: Site,
  { here, from, to }: { here: string; from: string; to: string },
): Promise<void> {
  await ip('link', 'add', here, 'type', 'veth', 'peer', 'name', 'broker', 'netns', namespace);
  await ip('address', 'add', from, 'dev', here);
  await ip('link', 'set', here, 'up');
  await up(namespace, 'broker', to);
}

async function up(namespace: string, device: string, address: string): Promise<void> {
  await ip('-n', namespace, 'address', 'add', address, 'dev', device);
  await ip('-n', namespace, 'link', 'set', device, 'up');
}

async function ip(...words: readonly string[]): Promise<void> {
  await execute('ip', words);
}
