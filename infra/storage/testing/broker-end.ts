import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  storageHeartbeatSchema,
  toldRegistrySchema,
  type EchoResult,
  type SignedCertificate,
  type EntityStatus,
  type ToldRegistry,
} from '@medusa/protocol';
import { Server, type Socket } from 'socket.io';
import type { z } from 'zod';

type Answer = (ack: unknown) => void;

/** The broker's end of the link, for what it tells a storage node of application entities. */
export interface EntityBrokerEnd extends AsyncDisposable {
  readonly url: string;
  /** The latest heartbeat. */
  heartbeat(): z.infer<typeof storageHeartbeatSchema> | undefined;
  seen(title: string): EntityStatus | undefined;
  tell(entities: z.input<typeof toldRegistrySchema>['entities'], rest?: Partial<ToldRegistry>): Promise<void>;
  echo(title: string): Promise<EchoResult>;
  sign(title: string, request: string, hosts?: readonly string[]): Promise<SignedCertificate>;
  revoke(title: string, certificate: string): Promise<void>;
}

export async function startEntityBrokerEnd(): Promise<EntityBrokerEnd> {
  const http = createServer();
  const io = new Server(http, { transports: ['websocket'] });
  let latest: z.infer<typeof storageHeartbeatSchema> | undefined;
  let socket: Socket | undefined;
  let revision = 0;
  io.of('/node').on('connection', (connected: Socket) => {
    socket = connected;
    connected.on('storage.register', (_registration: unknown, answer: Answer) =>
      answer({ ok: true, value: { sinceChange: 0 } }),
    );
    connected.on('storage.heartbeat', (heartbeat: unknown) => {
      latest = storageHeartbeatSchema.parse(heartbeat);
    });
    for (const name of ['study.changed', 'access.noted', 'object.quarantined'])
      connected.on(name, (_news: unknown, answer: Answer) => answer({ ok: true, value: null }));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const ask = async (name: string, payload: unknown): Promise<unknown> => {
    const ack = (await socket?.timeout(20_000).emitWithAck(name, payload)) as { ok: boolean; value: unknown };
    if (!ack.ok) throw new Error(JSON.stringify(ack));
    return ack.value;
  };
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    heartbeat: () => latest,
    seen: (title) => latest?.entities?.find((one) => one.title === title),
    async tell(entities, rest = {}) {
      revision += 1;
      await ask('registry.take', toldRegistrySchema.parse({ revision, unlisted: null, ...rest, entities }));
    },
    echo: async (title) => (await ask('entity.echo', { title })) as EchoResult,
    sign: async (title, request, hosts = []) =>
      (await ask('certificate.sign', { title, request, hosts })) as SignedCertificate,
    async revoke(title, certificate) {
      await ask('certificate.revoke', { title, certificate });
    },
    [Symbol.asyncDispose]: async () => io.close(),
  };
}
