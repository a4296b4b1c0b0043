import {
  AppError,
  fromProblem,
  type ReaderMessage,
  type TransferResponse,
  type ViewerMessage,
} from '@medusa/protocol';

type Asked = Omit<Extract<ViewerMessage, { kind: 'transfer' }>, 'kind' | 'number'>;
type Waiting = PromiseWithResolvers<TransferResponse>;

/** The viewer's questions to its reader for the clipboard of the display, and the answers as they come. */
export class TransferAsking {
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;

  async ask(asked: Asked, say: (message: ViewerMessage) => void): Promise<TransferResponse> {
    this.#asked += 1;
    const number = this.#asked;
    const waiting = Promise.withResolvers<TransferResponse>();
    this.#waiting.set(number, waiting);
    say({ kind: 'transfer', number, ...asked });
    try {
      return await waiting.promise;
    } finally {
      this.#waiting.delete(number);
    }
  }

  heed({ number, outcome }: Extract<ReaderMessage, { kind: 'transferred' }>): void {
    if ('response' in outcome) this.#waiting.get(number)?.resolve(outcome.response);
    else this.#waiting.get(number)?.reject(fromProblem(outcome.problem));
  }

  /** The connection over which the answers would have come is gone. */
  giveUp(): void {
    for (const { reject } of this.#waiting.values())
      reject(new AppError('node.unreachable', 'The reading part is away'));
  }
}
