import { ActionIcon, ScrollArea, Text, TextInput } from '@mantine/core';
import type { ChatMessage } from '@medusa/protocol';
import { IconSend } from '@tabler/icons-react';
import { useEffect, useRef, useState, type ReactNode, type SubmitEvent } from 'react';
import { strings } from '../../strings/en.ts';
import { notifyFailure } from '../../ui/notify-failure.ts';
import { useServices } from '../../ui/services.tsx';

const text = strings.room;
const longestMessage = 2_000;

export function Chat({ messages }: { messages: readonly ChatMessage[] }): ReactNode {
  const { realtime } = useServices();
  const [draft, setDraft] = useState('');
  const viewport = useRef<HTMLDivElement>(null);
  useEffect(() => {
    viewport.current?.scrollTo({ top: viewport.current.scrollHeight });
  }, [messages.length]);

  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    const said = draft.trim();
    if (said === '') return;
    setDraft('');
    notifyFailure(realtime.chat(said));
  };

  return (
    <section className="room-chat" aria-label={text.chat}>
      <Text size="xs" c="dimmed" tt="uppercase" fw={600} px="md" pt="sm">
        {text.chat}
      </Text>
      <ScrollArea viewportRef={viewport} type="auto" px="md" className="room-messages">
        <div role="log" aria-live="polite" data-testid="chat-log">
          {messages.length === 0 && (
            <Text size="sm" c="dimmed">
              {text.noChat}
            </Text>
          )}
          {messages.map((message) => (
            <div key={message.id} className="room-message" data-testid="chat-message">
              <Text size="xs" c="dimmed">
                <span className="room-dot room-dot-small" style={{ background: message.colour }} />
                {message.name} ·{' '}
                {new Date(message.at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}
              </Text>
              <Text size="sm" className="room-text">
                {message.text}
              </Text>
            </div>
          ))}
        </div>
      </ScrollArea>
      <form onSubmit={send} className="room-form">
        <TextInput
          size="sm"
          value={draft}
          maxLength={longestMessage}
          placeholder={text.message}
          aria-label={text.message}
          onChange={(event) => setDraft(event.currentTarget.value)}
          data-testid="chat-input"
          rightSection={
            <ActionIcon type="submit" variant="subtle" aria-label={text.send} data-testid="chat-send">
              <IconSend size={16} />
            </ActionIcon>
          }
        />
      </form>
    </section>
  );
}
