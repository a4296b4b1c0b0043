import { backoffMs, type TypedEmitter } from '@medusa/kernel';
import {
  ackSchema,
  fromProblem,
  storageWelcomeSchema,
  type StorageHeartbeat,
  type StorageRegistration,
} from '@medusa/protocol';
import { io, type Socket } from 'socket.io-client';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { AccessLog } from '../access/access-log.ts';
import type { Rulings } from '../availability/rulings.ts';
import type { IngestEvents } from '../ingest/ingest.ts';
import { serveCertificateCommands, type CertificateCommandDeps } from './certificate-commands.ts';
import { serveEntityCommands, type EntityCommandDeps } from './entity-commands.ts';
import type { IndexDatabase } from '../index/index-database.ts';
import { changedSince } from '../index/study-index.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';

export type BrokerLinkOptions = {
  readonly brokerUrl: string;
  readonly token: string;
  readonly registration: StorageRegistration;
};
export type BrokerLinkDeps = {
  readonly index: IndexDatabase;
  readonly events: TypedEmitter<IngestEvents>;
  readonly quarantine: Pick<Quarantine, 'events' | 'untold' | 'told'>;
  readonly access: Pick<AccessLog, 'events' | 'untold' | 'told'>;
  readonly rulings: Pick<Rulings, 'events' | 'untold' | 'told'>;
  readonly commands: EntityCommandDeps;
  readonly certificates: CertificateCommandDeps;
  readonly heartbeat: () => Promise<StorageHeartbeat>;
  readonly log: Logger;
};

const heartbeatMs = 5_000;
/** How long changes of a study gather before they are told. */
const gatherMs = 200;
const batchSize = 100;
const answerMs = 15_000;

/**
 * Tells the broker what lies here, and lives without it: whatever happened while it was away is told from the change it knows.
 * One batch is under way at a time, in the order of `change`.
 */
export class BrokerLink implements Disposable {
  readonly #socket: Socket;
  readonly #options: BrokerLinkOptions;
  readonly #deps: BrokerLinkDeps;
  readonly #resources = new DisposableStack();
  /** Undefined until the broker has told what it knows on this connection. */
  #toldChange: number | undefined;
  #isTelling = false;
  #isTellingQuarantined = false;
  #isTellingAccess = false;
  #isTellingRulings = false;
  #gatheringAccess: NodeJS.Timeout | undefined;
  #gathering: NodeJS.Timeout | undefined;
  #retrying: NodeJS.Timeout | undefined;
  #attempt = 0;

  constructor(options: BrokerLinkOptions, deps: BrokerLinkDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#socket = io(new URL('/node', options.brokerUrl).href, {
      auth: { token: options.token },
      transports: ['websocket'],
      reconnectionDelay: 200,
      reconnectionDelayMax: 5_000,
      autoConnect: false,
    });
    this.#resources.defer(() => {
      clearTimeout(this.#gathering);
      clearTimeout(this.#retrying);
      clearTimeout(this.#gatheringAccess);
      this.#socket.disconnect();
    });
    this.#listen();
    this.#socket.connect();
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }

  #listen(): void {
    const { log, events, quarantine, access, rulings } = this.#deps;
    serveEntityCommands(this.#socket, { ...this.#deps.commands, log });
    serveCertificateCommands(this.#socket, { ...this.#deps.certificates, log });
    this.#socket.on('connect', () => void this.#register());
    this.#socket.on('disconnect', (reason) => {
      this.#toldChange = undefined;
      log.info({ reason }, 'broker link down');
      // socket.io comes back by itself, but not when the server ended the connection.
      if (reason === 'io server disconnect') this.#retry(() => this.#socket.connect());
    });
    this.#socket.on('connect_error', (error) => {
      log.debug({ reason: error.message }, 'broker link cannot be made');
      // Refused by the server's middleware: socket.io gives up there.
      if (!this.#socket.active) this.#retry(() => this.#socket.connect());
    });
    this.#resources.use(events.on('study.changed', () => this.#gather()));
    this.#resources.use(quarantine.events.on('taken', () => void this.#tellQuarantined()));
    this.#resources.use(
      access.events.on('ended', () => {
        this.#gatheringAccess ??= setTimeout(() => {
          this.#gatheringAccess = undefined;
          void this.#tellAccess();
        }, gatherMs);
      }),
    );
    // Told when the transaction that it is made in is over.
    const ruled = (): void => queueMicrotask(() => void this.#tellRulings());
    this.#resources.use(rulings.events.on('made', ruled));
    const beat = setInterval(() => {
      void this.#beat();
      void this.#tellAccess();
      void this.#tellQuarantined();
      void this.#tellRulings();
    }, heartbeatMs);
    this.#resources.defer(() => clearInterval(beat));
  }

  async #register(): Promise<void> {
    try {
      const { sinceChange } = await this.#ask(
        'storage.register',
        this.#options.registration,
        storageWelcomeSchema,
      );
      this.#attempt = 0;
      this.#toldChange = sinceChange;
      this.#deps.log.info({ sinceChange }, 'registered with the broker');
      await this.#beat();
      await this.#tellQuarantined();
      await this.#tell();
      await this.#tellAccess();
      await this.#tellRulings();
    } catch (error) {
      this.#again(error);
    }
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      void this.#tell();
    }, gatherMs);
  }

  async #tell(): Promise<void> {
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      while (this.#toldChange !== undefined && this.#socket.connected) {
        const studies = changedSince(this.#deps.index, this.#toldChange, batchSize);
        const last = studies.at(-1);
        if (!last) break;
        // A broker that knew of a change which a crash undid would never ask for the one that comes in its place.
        await this.#deps.index.durable();
        await this.#ask('study.changed', studies, z.unknown());
        this.#toldChange = last.change;
      }
    } catch (error) {
      this.#again(error);
    } finally {
      this.#isTelling = false;
    }
  }

  /** For the audit trail. What is not acknowledged is told again with a later heartbeat. */
  async #tellQuarantined(): Promise<void> {
    if (this.#isTellingQuarantined || this.#toldChange === undefined) return;
    this.#isTellingQuarantined = true;
    const { quarantine, log } = this.#deps;
    try {
      for (let news = quarantine.untold(batchSize); news.length > 0; news = quarantine.untold(batchSize)) {
        await this.#ask('object.quarantined', news, z.unknown());
        quarantine.told(news.map(({ id }) => id));
      }
    } catch (error) {
      log.warn({ err: error }, 'the broker was not told what is in quarantine');
    } finally {
      this.#isTellingQuarantined = false;
    }
  }

  /** For the audit trail, in the same way. */
  async #tellAccess(): Promise<void> {
    if (this.#isTellingAccess || this.#toldChange === undefined) return;
    this.#isTellingAccess = true;
    const { access, log } = this.#deps;
    try {
      for (
        let records = access.untold(batchSize);
        records.length > 0 && this.#socket.connected;
        records = access.untold(batchSize)
      ) {
        await this.#ask('access.noted', records, z.unknown());
        access.told(records);
      }
    } catch (error) {
      log.warn({ err: error }, 'the broker was not told of accesses');
    } finally {
      this.#isTellingAccess = false;
    }
  }

  /** Also what the worklist must not show any more. */
  async #tellRulings(): Promise<void> {
    if (this.#isTellingRulings || this.#toldChange === undefined) return;
    this.#isTellingRulings = true;
    const { rulings, log } = this.#deps;
    try {
      for (let made = rulings.untold(batchSize); made.length > 0; made = rulings.untold(batchSize)) {
        await this.#ask('study.ruled', made, z.unknown());
        rulings.told(made);
      }
    } catch (error) {
      log.warn({ err: error }, 'the broker was not told what was decided about studies');
    } finally {
      this.#isTellingRulings = false;
    }
  }

  /** The connection stands but an answer did not come or was no: register anew, and go on from what the broker then knows. */
  #again(error: unknown): void {
    if (!this.#socket.connected) return;
    this.#deps.log.warn({ err: error }, 'the broker did not take what it was told');
    this.#toldChange = undefined;
    this.#retry(() => void this.#register());
  }

  #retry(action: () => void): void {
    clearTimeout(this.#retrying);
    this.#retrying = setTimeout(action, backoffMs(this.#attempt++, Math.random()));
  }

  async #beat(): Promise<void> {
    if (this.#toldChange === undefined) return;
    try {
      this.#socket.volatile.emit('storage.heartbeat', await this.#deps.heartbeat());
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'no heartbeat could be made');
    }
  }

  async #ask<Value extends z.ZodType>(
    event: string,
    request: unknown,
    value: Value,
  ): Promise<z.infer<Value>> {
    const answer: unknown = await this.#socket.timeout(answerMs).emitWithAck(event, request);
    const ack = ackSchema(value).parse(answer);
    if (!ack.ok) throw fromProblem(ack.problem);
    return ack.value;
  }
}
