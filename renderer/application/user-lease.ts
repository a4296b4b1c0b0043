import { createServer, type Server } from 'node:net';
import { AppError } from '@medusa/protocol';

const firstUid = 61_000;
const lastUid = 61_999;

/**
 * A user id of its own for one session; no account is needed. The lease is an abstract unix socket, so that several
 * agents on one machine never lend the same id, and the kernel takes it back when an agent dies.
 */
export class UserLease implements AsyncDisposable {
  readonly uid: number;
  readonly #lock: Server;

  static async acquire(): Promise<UserLease> {
    for (let uid = firstUid; uid <= lastUid; uid += 1) {
      const lock = await lockUid(uid);
      if (lock) return new UserLease(uid, lock);
    }
    throw new AppError('session.no-capacity', 'All user ids of this node are taken');
  }

  private constructor(uid: number, lock: Server) {
    this.uid = uid;
    this.#lock = lock;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#lock.close(() => resolve(undefined));
    await promise;
  }
}

async function lockUid(uid: number): Promise<Server | undefined> {
  const { promise, resolve } = Promise.withResolvers<Server | undefined>();
  const lock = createServer((socket) => socket.destroy());
  lock.once('error', () => resolve(undefined));
  lock.listen(`\0medusa-uid-${uid}`, () => resolve(lock));
  lock.unref();
  return promise;
}
