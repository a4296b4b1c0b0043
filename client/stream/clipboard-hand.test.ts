import { AppError, type TransferRequest, type TransferResponse, type TransferRights } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { ClipboardHand, type TransferNews } from './clipboard-hand.ts';

const both: TransferRights = { allowed: ['copy', 'paste'], mostBytes: 10 };

function open(
  rights: TransferRights | null,
  answer: (request: TransferRequest) => Promise<TransferResponse>,
  isBlocked = false,
): { hand: ClipboardHand; asked: TransferRequest[]; written: string[]; news: TransferNews[] } {
  const [asked, written, news] = [[] as TransferRequest[], [] as string[], [] as TransferNews[]];
  const hand = new ClipboardHand({
    rights: () => rights,
    ask: async (request) => {
      asked.push(request);
      return answer(request);
    },
    write: async (text) => {
      if (isBlocked) throw new Error('not while the page is hidden');
      written.push(await text);
    },
    tell: (told) => news.push(told),
  });
  return { hand, asked, written, news };
}
const answering = async ({ kind }: TransferRequest): Promise<TransferResponse> =>
  kind === 'copy' ? { kind, text: 'Nodule' } : { kind };
const pasted = (text: string, hasFiles = false): { text: string; hasFiles: boolean } => ({ text, hasFiles });

describe('the hand between two clipboards', () => {
  it('gives the user what the display copied', async () => {
    const { hand, written, news } = open(both, answering);

    await hand.copied();

    expect([written, news]).toEqual([['Nodule'], []]);
  });

  it('leaves the user’s clipboard alone when nothing was copied', async () => {
    const { hand, written, news } = open(both, async () => ({ kind: 'copy', text: null }));

    await hand.copied();

    expect([written, news]).toEqual([[], []]);
  });

  it('asks for nothing that the user may not, and says so', async () => {
    for (const rights of [null, { allowed: [], mostBytes: 10 }]) {
      const { hand, asked, news } = open(rights, answering);

      await hand.copied();
      hand.left();
      expect(hand.wantsPaste()).toBe(false);
      expect(await hand.paste(pasted('text'))).toBe(false);

      expect(asked).toEqual([]);
      expect(news).toEqual(['copy-denied', 'paste-denied', 'paste-denied']);
    }
  });

  it.each([
    ['copy-denied', new AppError('transfer.refused', '')],
    ['too-large', new AppError('transfer.too-large', '')],
    ['failed', new AppError('node.unreachable', '')],
    ['failed', new Error('the socket gave up')],
  ] as const)('says %s when the node does not give it', async (told, error) => {
    const { hand, written, news } = open(both, async () => Promise.reject(error));

    await hand.copied();

    expect([written, news]).toEqual([[], [told]]);
  });

  it('says so when it is the browser that does not take it', async () => {
    const { hand, news } = open(both, answering, true);

    await hand.copied();

    expect(news).toEqual(['blocked']);
  });

  it('pastes from where was copied last', async () => {
    const { hand, asked } = open(both, answering);
    expect(hand.wantsPaste()).toBe(true);
    expect(await hand.paste(pasted('1.25 mm'))).toBe(true);

    await hand.copied();
    expect(hand.wantsPaste()).toBe(false);
    hand.left();
    expect(hand.wantsPaste()).toBe(true);

    expect(asked).toEqual([{ kind: 'paste', text: '1.25 mm' }, { kind: 'copy' }]);
  });

  it('sends no file, nothing that is too much, and nothing at all for an empty clipboard', async () => {
    const { hand, asked, news } = open(both, answering);

    expect(await hand.paste(pasted('', true))).toBe(false);
    expect(await hand.paste(pasted('ß'.repeat(6)))).toBe(false);
    expect(await hand.paste(pasted(''))).toBe(true);

    expect(asked).toEqual([]);
    expect(news).toEqual(['files-denied', 'too-large']);
  });

  it('does not tell the display to paste when the node refuses', async () => {
    const { hand, news } = open(both, async () => Promise.reject(new AppError('transfer.refused', '')));

    expect(await hand.paste(pasted('text'))).toBe(false);
    expect(news).toEqual(['paste-denied']);
  });
});
