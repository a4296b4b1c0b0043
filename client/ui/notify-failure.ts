import { notifications } from '@mantine/notifications';
import { errorText } from './error-text.ts';

/** For actions whose success shows itself by what changes on screen: only a failure needs words. */
export function notifyFailure(acting: Promise<unknown>): void {
  acting.catch((error: unknown) => {
    const { title, help } = errorText(error);
    notifications.show({ color: 'red', title, message: help });
  });
}
