import { createExclusive } from '@medusa/kernel';
import { AppError, type ParticipantId, type TransferRequest, type TransferResponse } from '@medusa/protocol';
import type { Clipboard } from '../display/index.ts';
import type { TransferAsker } from './running-session.ts';

/**
 * Text between the display and the clipboard of whoever steers it, as far as that person's rights go. The rights come from the broker with
 * each request, and what they do not name is refused here, whatever the page of the user does.
 */
export class SessionTransfers {
  readonly #clipboard: Pick<Clipboard, 'read' | 'offer' | 'withdraw'>;
  readonly #exclusively = createExclusive();
  #controller: ParticipantId | null = null;

  constructor(clipboard: Pick<Clipboard, 'read' | 'offer' | 'withdraw'>) {
    this.#clipboard = clipboard;
  }

  setController(participantId: ParticipantId | null): void {
    if (participantId === this.#controller) return;
    this.#controller = participantId;
    // What one person brought along is not for the next one.
    this.#clipboard.withdraw();
  }

  /** @throws AppError `transfer.refused`, `transfer.too-large` */
  async carryOut(asker: TransferAsker, request: TransferRequest): Promise<TransferResponse> {
    return this.#exclusively('clipboard', async () => {
      this.#admit(asker, request);
      if (request.kind === 'paste') {
        await this.#clipboard.offer(request.text);
        return { kind: 'paste' };
      }
      const text = await this.#clipboard.read(asker.rights.mostBytes);
      // It took a moment, in which the floor may have been passed on.
      this.#admit(asker, request);
      return { kind: 'copy', text };
    });
  }

  #admit({ participantId, rights }: TransferAsker, request: TransferRequest): void {
    if (!rights.allowed.includes(request.kind))
      throw new AppError('transfer.refused', `Text may not be ${pastOf[request.kind]} in this session`);
    if (participantId !== this.#controller)
      throw new AppError('transfer.refused', 'Only who has control of the display transfers text');
    if (request.kind === 'paste' && Buffer.byteLength(request.text) > rights.mostBytes)
      throw new AppError(
        'transfer.too-large',
        `No more than ${rights.mostBytes} bytes may be pasted at once`,
      );
  }
}

const pastOf = { copy: 'copied out', paste: 'pasted' } as const;
