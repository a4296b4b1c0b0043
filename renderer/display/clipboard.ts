import { promisify } from 'node:util';
import { AppError } from '@medusa/protocol';
import type { XEvent } from 'x11';
import { SelectionReader } from './selection-reader.ts';
import { type DisplayAddress, XConnection } from './x-connection.ts';

type Atoms = Readonly<Record<'clipboard' | 'targets' | 'utf8' | 'mime', number>>;
type Change = { readonly at: number; readonly time: number };

const atomAtom = 4;
const stringAtom = 31;
const none = 0;
const currentTime = 0;
const selectionNotify = 31;

/** A program needs a moment from its key to its copy; and what was copied longer ago was not copied by that key. */
const patienceMs = 1_000;
const freshMs = 1_500;

/** The clipboard of one display (ICCCM §2, selection CLIPBOARD): what a program copied, and what programs are given to paste. */
export class Clipboard implements AsyncDisposable {
  readonly #connection: XConnection;
  readonly #atoms: Atoms;
  readonly #reader: SelectionReader;
  /** Windows that own or owned the selection: of what they offer, nothing was copied. */
  readonly #own = new Set<number>();
  /** What there is to paste, and the window that stands for it: whatever is told of a former one is past. */
  #offered: { readonly window: number; readonly text: Buffer } | undefined;
  #change: Change | undefined;
  #changed = Promise.withResolvers<Change>();

  static async open(address: DisplayAddress, report: (error: unknown) => void): Promise<Clipboard> {
    // Who asks for the clipboard may be gone when it is answered.
    const connection = await XConnection.open(address, { report: () => undefined });
    const fixes = await connection.extension('fixes');
    const intern = promisify(connection.client.InternAtom.bind(connection.client, false));
    const [clipboard = 0, targets = 0, utf8 = 0, mime = 0, incremental = 0] = await Promise.all(
      ['CLIPBOARD', 'TARGETS', 'UTF8_STRING', 'text/plain;charset=utf-8', 'INCR'].map(async (name) =>
        intern(name),
      ),
    );
    const reader = new SelectionReader(connection, { selection: clipboard, target: utf8, incremental });
    const opened = new Clipboard(connection, { clipboard, targets, utf8, mime }, reader);
    connection.client.on('event', (event: XEvent) => {
      try {
        opened.#heed(event);
      } catch (error) {
        report(error);
      }
    });
    fixes.SelectSelectionInput(connection.root, clipboard, fixes.SelectionEventMask.SetSelectionOwner);
    await connection.sync();
    return opened;
  }

  private constructor(connection: XConnection, atoms: Atoms, reader: SelectionReader) {
    this.#connection = connection;
    this.#atoms = atoms;
    this.#reader = reader;
  }

  /**
   * The text that a program has just copied, or copies within a moment; null: none does, or it is no text.
   * @throws AppError `transfer.too-large`
   */
  async read(mostBytes: number): Promise<string | null> {
    const change = await this.#latestChange();
    if (!change) return null;
    const bytes = await this.#reader.read(change.time, mostBytes);
    // A text that ends in a zero is one of a program that counts in C.
    return bytes && bytes.byteLength > 0 ? bytes.toString('utf8').replace(/\0+$/, '') || null : null;
  }

  /** Resolves when programs that paste get this text. */
  async offer(text: string): Promise<void> {
    const { client } = this.#connection;
    const former = this.#offered;
    const window = this.#connection.createHiddenWindow();
    this.#own.add(window);
    this.#offered = { window, text: Buffer.from(text, 'utf8') };
    client.SetSelectionOwner(window, this.#atoms.clipboard, currentTime);
    if (former) client.DestroyWindow(former.window);
    const owner = await promisify(client.GetSelectionOwner.bind(client))(this.#atoms.clipboard);
    if (owner !== window)
      throw new AppError('resource.conflict', 'A program of the display holds its clipboard');
  }

  /** Nobody can paste any more what was offered; what programs copied themselves stays. */
  withdraw(): void {
    // Its selection goes with it, if it has it still.
    if (this.#offered) this.#connection.client.DestroyWindow(this.#offered.window);
    this.#offered = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#offered = undefined;
    await this.#connection[Symbol.asyncDispose]();
  }

  async #latestChange(): Promise<Change | undefined> {
    const known = this.#change;
    if (known && performance.now() - known.at < freshMs) {
      // It is handed out once: a second look finds what is copied then.
      this.#change = undefined;
      return known;
    }
    const patience = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => patience.resolve(undefined), patienceMs);
    const change = await Promise.race([this.#changed.promise, patience.promise]);
    clearTimeout(timer);
    if (change) this.#change = undefined;
    return change;
  }

  #heed(event: XEvent): void {
    if (event.name === 'SelectionRequest') this.#serve(event);
    else if (event.name === 'SelectionClear') this.#lost(event);
    else if (event.name === 'SelectionNotify' && event.type !== selectionNotify) this.#ownerChanged(event);
    else this.#reader.heed(event);
  }

  /** XFIXES tells of each copy, also when the same program copies again. */
  #ownerChanged({ owner = none, timestamp = currentTime }: XEvent): void {
    if (this.#own.has(owner) || owner === none) return;
    this.#change = { at: performance.now(), time: timestamp };
    this.#changed.resolve(this.#change);
    this.#changed = Promise.withResolvers();
  }

  #lost({ owner }: XEvent): void {
    if (this.#offered?.window === owner) this.withdraw();
  }

  /** The answer is a property of the one who asks, and then an event; property None refuses. */
  #serve(event: XEvent): void {
    const { requestor, selection, target, time, property } = withoutGaps(event);
    const { client } = this.#connection;
    const text = this.#offered?.window === event.owner ? this.#offered?.text : undefined;
    const content = text && this.#contentFor(target, text);
    // Clients of old name no property and mean the target's (ICCCM §2.2).
    const answered = property === none ? target : property;
    if (content) client.ChangeProperty(0, requestor, answered, content.type, content.unitBits, content.data);
    const answer = { name: 'SelectionNotify', requestor, selection, target, time };
    client.SendEvent(requestor, 0, 0, { ...answer, property: content ? answered : none });
  }

  #contentFor(
    target: number,
    text: Buffer,
  ): { type: number; unitBits: 8 | 32; data: Buffer | readonly number[] } | undefined {
    const { targets, utf8, mime } = this.#atoms;
    if (target === targets) return { type: atomAtom, unitBits: 32, data: [targets, utf8, mime, stringAtom] };
    if (target === utf8 || target === mime) return { type: target, unitBits: 8, data: text };
    if (target !== stringAtom) return undefined;
    return { type: stringAtom, unitBits: 8, data: Buffer.from(toLatin1(text.toString('utf8')), 'latin1') };
  }
}

type Asked = Required<Pick<XEvent, 'requestor' | 'selection' | 'target' | 'time' | 'property'>>;

function withoutGaps(event: XEvent): Asked {
  return {
    ...{ requestor: none, selection: none, target: none, time: currentTime, property: none },
    ...event,
  };
}

/** For programs that know nothing else; what it does not have becomes a question mark. */
function toLatin1(text: string): string {
  return Array.from(text, (character) => ((character.codePointAt(0) ?? 0) <= 0xff ? character : '?')).join(
    '',
  );
}
