import { notifications } from '@mantine/notifications';
import { strings } from '../../strings/en.ts';
import type { TransferNews } from '../../stream/clipboard-hand.ts';

const shownMs = 4_000;
const id = 'transfer';

/** Says what did not pass between display and clipboard: one message at a time, which goes by itself. */
export function tellTransfer(news: TransferNews): void {
  const [title, message] = strings.transfers.news[news];
  notifications.hide(id);
  notifications.show({
    ...{ id, title, message, autoClose: shownMs, withCloseButton: false, color: 'yellow' },
    'data-testid': 'transfer-news',
    'data-news': news,
  });
}
