import { AppError, type TransferRequest, type TransferResponse, type TransferRights } from '@medusa/protocol';

/** What did not pass, and why. */
export type TransferNews =
  | 'copy-denied'
  | 'paste-denied'
  | 'files-denied'
  | 'too-large'
  /** The browser does not let the page write the user's clipboard. */
  | 'blocked'
  | 'failed';

export type Pasted = { readonly text: string; readonly hasFiles: boolean };

type Options = {
  readonly rights: () => TransferRights | null;
  /** The render node has the last word on it. */
  readonly ask: (request: TransferRequest) => Promise<TransferResponse>;
  /** Called while the user's key is down: later than that browsers let nobody write. */
  readonly write: (text: Promise<string>) => Promise<void>;
  readonly tell: (news: TransferNews) => void;
};

/** What is typed meanwhile waits for so long and no longer. */
const mostPasteMs = 3_000;

/** Text between the user's own clipboard and the display's, at the user's own keys. */
export class ClipboardHand {
  readonly #options: Options;
  /** The display's clipboard is the later one: what is pasted there comes from there. */
  #isDisplayLater = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The user has been elsewhere, and may have copied something there. */
  left(): void {
    this.#isDisplayLater = false;
  }

  /** The display has been told to copy: what it copies is the user's too, if it may be. */
  async copied(): Promise<void> {
    const { ask, write, tell } = this.#options;
    this.#isDisplayLater = true;
    if (!this.#may('copy')) {
      tell('copy-denied');
      return;
    }
    const asking = ask({ kind: 'copy' });
    const text = asking.then((answer) => {
      const copied = textOf(answer);
      if (copied === null) throw new Error('Nothing was copied');
      return copied;
    });
    text.catch(() => undefined);
    try {
      await write(text);
    } catch {
      const answer = await asking.catch((error: unknown) => newsOf(error, 'copy-denied'));
      if (typeof answer === 'string') tell(answer);
      else if (textOf(answer) !== null) tell('blocked');
    }
  }

  /** Whether the browser is to hand over what the user has; if not, the display pastes what it has itself. */
  wantsPaste(): boolean {
    if (this.#isDisplayLater) return false;
    if (this.#may('paste')) return true;
    this.#options.tell('paste-denied');
    return false;
  }

  /** True: the display has it, and can be told to paste. */
  async paste({ text, hasFiles }: Pasted): Promise<boolean> {
    const { ask, tell } = this.#options;
    const refusal = this.#refusalOf({ text, hasFiles });
    if (refusal) tell(refusal);
    if (refusal || text === '') return refusal === undefined;
    const late = Promise.withResolvers<TransferNews>();
    const timer = setTimeout(() => late.resolve('failed'), mostPasteMs);
    const asking = ask({ kind: 'paste', text }).catch((error: unknown) => newsOf(error, 'paste-denied'));
    const answer = await Promise.race([asking, late.promise]);
    clearTimeout(timer);
    if (typeof answer === 'string') tell(answer);
    return typeof answer !== 'string';
  }

  #refusalOf({ text, hasFiles }: Pasted): TransferNews | undefined {
    if (hasFiles && text === '') return 'files-denied';
    if (!this.#may('paste')) return 'paste-denied';
    const mostBytes = this.#options.rights()?.mostBytes ?? 0;
    return new TextEncoder().encode(text).byteLength > mostBytes ? 'too-large' : undefined;
  }

  #may(transfer: TransferRequest['kind']): boolean {
    return this.#options.rights()?.allowed.includes(transfer) === true;
  }
}

function textOf(answer: TransferResponse): string | null {
  return answer.kind === 'copy' ? answer.text : null;
}

function newsOf(error: unknown, denied: TransferNews): TransferNews {
  if (!(error instanceof AppError)) return 'failed';
  if (error.code === 'transfer.too-large') return 'too-large';
  return error.code === 'transfer.refused' ? denied : 'failed';
}
