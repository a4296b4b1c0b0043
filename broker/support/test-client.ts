import type { Ack, BrokerToClient, ClientToBroker } from '@medusa/protocol';
import { io, type Socket } from 'socket.io-client';
import type { TestBroker } from './test-broker.ts';
import type { TestUser } from './test-secrets.ts';

type ClientSocket = Socket<BrokerToClient, ClientToBroker>;
/** A browser's end of the live link. */
export type TestClient = Disposable & { readonly socket: ClientSocket };

export async function connectClient(broker: TestBroker, user: TestUser): Promise<TestClient> {
  const socket: ClientSocket = io(`${broker.url}/client`, {
    auth: { token: await broker.token(user) },
    transports: ['websocket'],
    reconnectionDelay: 50,
    reconnectionDelayMax: 100,
    forceNew: true,
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('connect_error', reject);
  });
  return { socket, [Symbol.dispose]: () => void socket.disconnect() };
}

/** The value of an acknowledgement, or an error with the problem's code. */
export function valueOf<Value>(ack: Ack<Value>): Value {
  if (!ack.ok) throw new Error(ack.problem.code);
  return ack.value;
}
