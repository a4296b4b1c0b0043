import {
  encodeCommand,
  mostCommandBytes,
  parseCommand,
  statuses,
  type Command,
  type CommandElements,
} from './command.ts';
import {
  abortReasons,
  encodeData,
  mostFragmentBytes,
  parseData,
  ProtocolViolation,
  type DataValue,
} from './pdu.ts';

/** A data set on its way out: its length is known before its bytes are. */
export type OutgoingDataSet = {
  readonly length: number;
  readonly chunks: AsyncIterable<Buffer> | Iterable<Buffer>;
};

/** Takes the data set of one message of the peer, piece by piece. */
export interface DataSetReceiver {
  /** When it is done, or resolves, the memory is used for other bytes. */
  write(bytes: Buffer): Promise<void> | undefined;
  /** All of it has come. Nothing is read from the peer until it resolves. */
  end(): Promise<void>;
  /** The peer is gone. */
  discard(): Promise<void>;
}

export type ExchangeDeps = {
  /** Resolves when more may be written. */
  write(bytes: Buffer): Promise<void>;
  isContext(contextId: number): boolean;
  /** Answers who takes the data set that follows; undefined when none follows or it was refused for good. */
  begin(command: Command, contextId: number): Promise<DataSetReceiver | undefined>;
};

export type Response = { readonly command: Command; readonly dataSet: Buffer };
/** What comes back for one request that we made. */
type Invocation = {
  readonly responses: Response[];
  wake: (() => void) | undefined;
  /** Called when a response was taken, or nobody will take any more. */
  taken: (() => void) | undefined;
  failure: Error | undefined;
};

/** Identifiers of responses are small; a peer that sends more is not answered for long. */
const mostResponseBytes = 1024 * 1024;
/** Responses that nobody has taken yet; then nothing more is read. */
const mostWaiting = 64;

/** Messages over the accepted contexts of one association, in both directions (PS3.7 §8, §9; PS3.8 annex E). */
export class MessageExchange {
  /** Of the peer, told when the association is made. */
  peerMostBytes = 0;
  readonly #deps: ExchangeDeps;
  readonly #invocations = new Map<number, Invocation>();
  #command: Buffer[] = [];
  #commandBytes = 0;
  #commandContext: number | undefined;
  #incoming: { readonly contextId: number; readonly receiver: DataSetReceiver } | undefined;
  #sending: Promise<void> = Promise.resolve();
  #writing = 0;
  #lastId = 0;
  #failure: Error | undefined;

  constructor(deps: ExchangeDeps) {
    this.#deps = deps;
  }

  /** Whether it is the peer that keeps us waiting. */
  isWaiting(): boolean {
    return this.#writing > 0 || this.#invocations.size > 0;
  }

  /** The association is over: whoever waits for it is told. */
  async fail(error: Error): Promise<void> {
    this.#failure ??= error;
    for (const invocation of this.#invocations.values()) {
      invocation.failure ??= error;
      invocation.wake?.();
      invocation.taken?.();
    }
    const incoming = this.#incoming;
    this.#incoming = undefined;
    await incoming?.receiver.discard();
  }

  /** What one P-DATA-TF holds. A promise where it is not done at once: most of an object only needs to be copied. @throws ProtocolViolation */
  take(body: Buffer): Promise<void> | undefined {
    return this.#takeAll(parseData(body));
  }

  #takeAll(values: Iterator<DataValue, void, undefined>): Promise<void> | undefined {
    for (let at = values.next(); at.done !== true; at = values.next()) {
      const taking = this.#take(at.value);
      if (taking) return taking.then(async () => this.#takeAll(values));
    }
    return undefined;
  }

  #take(value: DataValue): Promise<void> | undefined {
    if (!this.#deps.isContext(value.contextId))
      throw new ProtocolViolation(abortReasons.invalidParameter, 'data for a context that was not accepted');
    return value.isCommand ? this.#takeCommand(value) : this.#takeDataSet(value);
  }

  /** One message, whole, after those before it. */
  async send(contextId: number, elements: CommandElements, dataSet?: OutgoingDataSet): Promise<void> {
    const before = this.#sending;
    const sent = before.then(async () => this.#send(contextId, elements, dataSet));
    this.#sending = sent.catch(() => undefined);
    await sent;
  }

  /** Sends a request and answers what comes back, the last of it last. */
  async *invoke(
    contextId: number,
    elements: CommandElements,
    dataSet?: OutgoingDataSet,
  ): AsyncGenerator<Response, void, undefined> {
    const messageId = this.#nextId();
    const invocation: Invocation = {
      responses: [],
      wake: undefined,
      taken: undefined,
      failure: this.#failure,
    };
    this.#invocations.set(messageId, invocation);
    try {
      await this.send(contextId, { ...elements, messageId }, dataSet);
      for (;;) {
        const response = await nextResponse(invocation);
        yield response;
        if (!isPending(response.command.status)) return;
      }
    } finally {
      this.#invocations.delete(messageId);
      invocation.taken?.();
    }
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId % 0xffff) + 1;
    while (this.#invocations.has(this.#lastId));
    return this.#lastId;
  }

  async #send(contextId: number, elements: CommandElements, dataSet?: OutgoingDataSet): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#writing += 1;
    try {
      const command = encodeCommand(elements, dataSet !== undefined && dataSet.length > 0);
      await this.#fragments({ contextId, isCommand: true }, { length: command.length, chunks: [command] });
      if (dataSet) await this.#fragments({ contextId, isCommand: false }, dataSet);
    } finally {
      this.#writing -= 1;
    }
  }

  async #fragments(
    kind: Omit<DataValue, 'bytes' | 'isLast'>,
    { length, chunks }: OutgoingDataSet,
  ): Promise<void> {
    const most = mostFragmentBytes(this.peerMostBytes);
    let sent = 0;
    for await (const chunk of chunks)
      for (let at = 0; at < chunk.length; at += most) {
        const bytes = chunk.subarray(at, at + most);
        sent += bytes.length;
        if (sent > length) throw new Error('A data set is longer than it was said to be');
        await this.#deps.write(encodeData({ ...kind, isLast: sent === length }, bytes));
      }
    if (sent < length) throw new Error('A data set is shorter than it was said to be');
  }

  async #takeCommand(value: DataValue): Promise<void> {
    const isOther = this.#commandContext !== undefined && this.#commandContext !== value.contextId;
    this.#commandBytes += value.bytes.length;
    if (this.#incoming || isOther || this.#commandBytes > mostCommandBytes)
      throw new ProtocolViolation(
        abortReasons.invalidParameter,
        'a command where none may be, or one too long',
      );
    this.#commandContext = value.contextId;
    this.#command.push(Buffer.from(value.bytes));
    if (!value.isLast) return;
    const command = parseCommand(Buffer.concat(this.#command));
    this.#command = [];
    this.#commandBytes = 0;
    this.#commandContext = undefined;
    const { contextId } = value;
    const receiver = command.isResponse
      ? await this.#takeResponse(command)
      : await this.#deps.begin(command, contextId);
    if (receiver) this.#incoming = { contextId, receiver };
  }

  #takeDataSet(value: DataValue): Promise<void> | undefined {
    const incoming = this.#incoming;
    if (incoming?.contextId !== value.contextId)
      throw new ProtocolViolation(abortReasons.invalidParameter, 'a data set without its command');
    const writing = incoming.receiver.write(value.bytes);
    return value.isLast ? this.#endDataSet(incoming.receiver, writing) : writing;
  }

  async #endDataSet(receiver: DataSetReceiver, writing: Promise<void> | undefined): Promise<void> {
    if (writing) await writing;
    this.#incoming = undefined;
    await receiver.end();
  }

  async #takeResponse(command: Command): Promise<DataSetReceiver | undefined> {
    const invocation = this.#invocations.get(command.messageId);
    if (!invocation)
      throw new ProtocolViolation(abortReasons.invalidParameter, 'a response to what was never asked');
    const deliver = async (dataSet: Buffer): Promise<void> => {
      invocation.responses.push({ command, dataSet });
      invocation.wake?.();
      while (invocation.responses.length >= mostWaiting && this.#invocations.has(command.messageId)) {
        if (invocation.failure) return;
        await new Promise<void>((resolve) => {
          invocation.taken = resolve;
        });
      }
    };
    if (command.hasDataSet)
      return collect(mostResponseBytes, async (dataSet) => {
        if (!dataSet)
          throw new ProtocolViolation(
            abortReasons.invalidParameter,
            'the data set of a response is too long',
          );
        await deliver(dataSet);
      });
    await deliver(Buffer.alloc(0));
    return undefined;
  }
}

function isPending(status: number): boolean {
  return status === statuses.pending || status === statuses.pendingWithWarning;
}

async function nextResponse(invocation: Invocation): Promise<Response> {
  for (;;) {
    const response = invocation.responses.shift();
    if (response) {
      invocation.taken?.();
      return response;
    }
    if (invocation.failure) throw invocation.failure;
    await new Promise<void>((resolve) => {
      invocation.wake = resolve;
    });
    invocation.wake = undefined;
  }
}

/** Gathers a data set in memory; undefined when it is longer than that. */
export function collect(
  mostBytes: number,
  done: (dataSet: Buffer | undefined) => Promise<void>,
): DataSetReceiver {
  let chunks: Buffer[] = [];
  let bytes = 0;
  return {
    write(chunk) {
      bytes += chunk.length;
      if (bytes > mostBytes) chunks = [];
      else chunks.push(Buffer.from(chunk));
      return undefined;
    },
    end: async () => done(bytes > mostBytes ? undefined : Buffer.concat(chunks)),
    discard: async () => undefined,
  };
}
