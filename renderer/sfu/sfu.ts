import { createWorker } from 'mediasoup';
import type { types } from 'mediasoup';
import { TypedEmitter } from '@medusa/kernel';
import { SessionStream, type SessionStreamOptions } from './session-stream.ts';

export type SfuOptions = {
  /** Where the media port listens, and the address told to browsers. */
  readonly bindAddress: string;
  readonly announcedAddress: string;
  /** One UDP and one TCP port of this number for all sessions; 0 = any free one. */
  readonly port: number;
  readonly workerBin: string | undefined;
  readonly report: (error: unknown) => void;
};

/** The mediasoup worker of this node with its one WebRTC server. */
export class Sfu implements AsyncDisposable {
  readonly events: TypedEmitter<{ died: [error: Error] }>;
  readonly #worker: types.Worker;
  readonly #server: types.WebRtcServer;
  readonly #report: (error: unknown) => void;

  static async create(options: SfuOptions): Promise<Sfu> {
    const { workerBin, bindAddress, announcedAddress, port, report } = options;
    const worker = await createWorker({ logLevel: 'warn', ...(workerBin && { workerBin }) });
    try {
      const listen = { ip: bindAddress, port, ...(announcedAddress !== bindAddress && { announcedAddress }) };
      const server = await worker.createWebRtcServer({
        listenInfos: [
          { protocol: 'udp', ...listen },
          { protocol: 'tcp', ...listen },
        ],
      });
      return new Sfu(worker, server, report);
    } catch (error) {
      worker.close();
      throw error;
    }
  }

  private constructor(worker: types.Worker, server: types.WebRtcServer, report: (error: unknown) => void) {
    this.#worker = worker;
    this.#server = server;
    this.#report = report;
    this.events = new TypedEmitter(report);
    worker.on('died', (error) => this.events.emit('died', error));
  }

  get workerPid(): number {
    return this.#worker.pid;
  }

  async openStream(options: Omit<SessionStreamOptions, 'report'>): Promise<SessionStream> {
    return SessionStream.create(
      { worker: this.#worker, server: this.#server },
      { ...options, report: this.#report },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#worker.died || this.#worker.subprocessClosed) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#worker.on('subprocessclose', () => resolve(undefined));
    this.#worker.close();
    await promise;
  }
}
