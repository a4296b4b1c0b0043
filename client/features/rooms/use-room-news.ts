import { notifications } from '@mantine/notifications';
import type { RoomView } from '@medusa/protocol';
import { useEffect, useRef } from 'react';
import type { Room } from '../../core/room.ts';
import { strings } from '../../strings/en.ts';
import { useStore } from '../../ui/use-store.ts';
import { readRoomNews } from './room-news.ts';

const shownMs = 4_000;

/** Says who comes and goes and, while the panel with the chat is closed, what the others write. */
export function useRoomNews(room: Room, isPanelOpen: boolean): void {
  const view = useStore(room.view);
  const you = useStore(room.you);
  const known = useRef<RoomView>(null);

  useEffect(() => {
    const { joined, left, messages } = readRoomNews(known.current, view, you);
    known.current = view;
    for (const { name } of joined) say(strings.room.joined(name));
    for (const { name } of left) say(strings.room.left(name));
    if (isPanelOpen) return;
    for (const { name, text } of messages) say(text, name);
  }, [view, you, isPanelOpen]);
}

function say(message: string, title?: string): void {
  notifications.show({ message, title, autoClose: shownMs, withCloseButton: false });
}
