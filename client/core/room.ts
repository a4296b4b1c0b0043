import {
  AppError,
  participantIdSchema,
  type ParticipantId,
  type Pointer,
  type RecordingRight,
  type RoomView,
  type SessionId,
  type TransferRights,
} from '@medusa/protocol';
import { recordedSince } from './recording-consent.ts';
import { reportFault } from './report.ts';
import { Store } from './store.ts';
import type { Realtime } from './realtime.ts';

const pointMs = 33;
const rejoinMs = 1_500;

/** Where seats outlive a reload: per tab, so that two tabs never sit on one seat. */
export type Seats = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** A pointer of somebody else, in fractions of the picture. */
export type RoomPointer = { readonly x: number; readonly y: number; readonly at: number };

/**
 * One's own seat in one room. After a lost link the same seat is taken again, so that the others see one person,
 * and the render node keeps the picture.
 */
export class Room {
  readonly you = new Store<ParticipantId | null>(null);
  readonly view = new Store<RoomView | null>(null);
  /** What may pass between the display and this user's clipboard. */
  readonly transfers = new Store<TransferRights | null>(null);
  /** Whether, and when, this user may have the session recorded. */
  readonly mayRecord = new Store<RecordingRight | null>(null);
  /** Since when it is recorded, on the page's clock; null: it is not. */
  readonly recordedSince = new Store<number | null>(null);
  readonly pointers = new Store<ReadonlyMap<ParticipantId, RoomPointer>>(new Map());
  /** The latest who asked this participant for the floor. */
  readonly floorRequest = new Store<ParticipantId | null>(null);
  /** Why the room cannot be joined, when asking again does not help. */
  readonly refusal = new Store<AppError | null>(null);
  readonly #realtime: Realtime;
  readonly #sessionId: SessionId;
  readonly #seats: Seats;
  readonly #stack = new DisposableStack();
  #pointer: Pointer = null;
  #pointTimer: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(realtime: Realtime, sessionId: SessionId, seats: Seats) {
    this.#realtime = realtime;
    this.#seats = seats;
    this.#sessionId = sessionId;
    const { pointers, view } = this;
    this.#stack.use(realtime.on('room.changed', (room) => this.#take(room)));
    this.#stack.use(
      realtime.on('room.chatted', (message) =>
        view.update((room) => {
          if (!room || room.chat.some(({ id }) => id === message.id)) return room;
          return { ...room, chat: [...room.chat, message] };
        }),
      ),
    );
    this.#stack.use(
      realtime.on('room.pointed', ({ participantId, pointer }) =>
        pointers.update((known) => {
          const next = new Map(known);
          if (pointer) next.set(participantId, { ...pointer, at: performance.now() });
          else next.delete(participantId);
          return next;
        }),
      ),
    );
    this.#stack.use(
      realtime.on('room.floor-requested', ({ participantId }) => this.floorRequest.set(participantId)),
    );
  }

  /** Joins now and after every reconnection. */
  join(): void {
    this.#stack.use(
      this.#realtime.whenOnline(() => {
        this.#join().catch(reportFault);
      }),
    );
  }

  /** Gives the seat up. */
  async leave(): Promise<void> {
    this.close();
    this.#seats.removeItem(seatKey(this.#sessionId));
    await this.#realtime.leaveRoom();
  }

  /** At most one message per `pointMs`; the latest wins, and a "gone" is never lost. */
  point(pointer: Pointer): void {
    this.#pointer = pointer;
    this.#pointTimer ??= setTimeout(() => {
      this.#pointTimer = undefined;
      if (this.you.get()) this.#realtime.point(this.#pointer);
    }, pointMs);
  }

  /** Stops listening; the seat is kept by the broker for a while. */
  close(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#pointTimer);
    this.#stack.dispose();
  }

  async #join(): Promise<void> {
    const seat = this.you.get() ?? this.#loadSeat();
    try {
      const joined = await this.#realtime.joinRoom({
        sessionId: this.#sessionId,
        ...(seat ? { participantId: seat } : {}),
      });
      this.#show(joined.room);
      this.transfers.set(joined.transfers ?? null);
      this.mayRecord.set(joined.mayRecord ?? null);
      this.you.set(joined.you);
      this.#seats.setItem(seatKey(this.#sessionId), joined.you);
    } catch (error) {
      if (this.#stack.disposed) return;
      if (error instanceof AppError && isFinal(error)) this.refusal.set(error);
      else this.#retry = setTimeout(() => void this.#join().catch(reportFault), rejoinMs);
    }
  }

  #loadSeat(): ParticipantId | undefined {
    return participantIdSchema.safeParse(this.#seats.getItem(seatKey(this.#sessionId))).data;
  }

  #show(room: RoomView): void {
    this.recordedSince.set(recordedSince(this.view.get(), room, this.recordedSince.get()));
    this.view.set(room);
  }

  #take(room: RoomView): void {
    if (room.sessionId !== this.#sessionId) return;
    this.#show(room);
    const present = new Set(room.participants.filter(({ isConnected }) => isConnected).map(({ id }) => id));
    this.pointers.update((known) => new Map([...known].filter(([id]) => present.has(id))));
    if (room.floorHolder !== this.you.get()) this.floorRequest.set(null);
  }
}

const seatKey = (sessionId: SessionId): string => `medusa.seat.${sessionId}`;

function isFinal({ code }: AppError): boolean {
  return ['access.refused', 'session.unknown', 'session.closed', 'identity.rejected'].includes(code);
}
