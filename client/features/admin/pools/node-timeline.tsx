import { Group, Text } from '@mantine/core';
import type { ProvisionEvent } from '@medusa/protocol';
import { useMemo, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { formatInstant } from '../format-instant.ts';
import { PhaseMark, phaseLooks } from '../provision/phase.tsx';
import { incarnationsOf, timelineOf, type Timeline } from './timeline.ts';

const text = strings.provision.node;
const phaseText = strings.provision.phases;
const shownSteps = 12;
const outcomeColours = { ok: '#4fb9bd', failed: '#f08c8c', unknown: '#b79cf0' } as const;

/** How long a node was in which state, and what was asked of the provider meanwhile. */
export function NodeTimeline({ events, now }: { events: readonly ProvisionEvent[]; now: number }): ReactNode {
  const timeline = useMemo(() => timelineOf(events, now), [events, now]);
  if (!timeline)
    return (
      <Text size="sm" c="dimmed">
        {text.noTimeline}
      </Text>
    );
  return (
    <div data-testid="node-timeline">
      <Spans timeline={timeline} />
      <Steps timeline={timeline} />
      <Incarnations timeline={timeline} />
    </div>
  );
}

/** The share of the time line in percent. */
function place(timeline: Timeline, from: number, to: number): { left: string; width: string } {
  const total = Math.max(1, timeline.to - timeline.from);
  const left = ((from - timeline.from) / total) * 100;
  return { left: `${left}%`, width: `max(3px, ${((to - from) / total) * 100}%)` };
}

function Spans({ timeline }: { timeline: Timeline }): ReactNode {
  const phases = [...new Set(timeline.spans.map(({ phase }) => phase))];
  const words = timeline.spans.map(
    ({ phase, from, to }) => `${phaseText[phase]} ${strings.provision.seconds((to - from) / 1_000)}`,
  );
  return (
    <>
      <div className="timeline-track" role="img" aria-label={words.join(', ')}>
        {timeline.spans.map(({ phase, from, to }) => (
          <div
            key={from}
            className="timeline-span"
            data-phase={phase}
            title={`${phaseText[phase]}: ${strings.provision.seconds((to - from) / 1_000)}`}
            style={{ ...place(timeline, from, to), backgroundColor: phaseLooks[phase].colour }}
          />
        ))}
      </div>
      <Group justify="space-between" mt={2}>
        <Text size="xs" c="dimmed" className="medusa-numeric">
          {formatInstant(new Date(timeline.from).toISOString())}
        </Text>
        <Group gap="sm">
          {phases.map((phase) => (
            <Group key={phase} gap={4}>
              <PhaseMark phase={phase} size={10} />
              <Text size="xs" c="dimmed">
                {phaseText[phase]}
              </Text>
            </Group>
          ))}
        </Group>
        <Text size="xs" c="dimmed" className="medusa-numeric">
          {formatInstant(new Date(timeline.to).toISOString())}
        </Text>
      </Group>
    </>
  );
}

function Steps({ timeline }: { timeline: Timeline }): ReactNode {
  const steps = timeline.steps.slice(-shownSteps);
  if (steps.length === 0) return null;
  return (
    <>
      <Text size="xs" c="dimmed" mt="sm">
        {text.steps}
      </Text>
      <ol className="timeline-steps">
        {steps.map(({ sequence, text: words, from, to, outcome }) => (
          <li key={sequence} title={words}>
            <Text size="xs" truncate>
              {words}
            </Text>
            <div className="timeline-track" data-thin>
              <div
                className="timeline-span"
                style={{ ...place(timeline, from, to), backgroundColor: outcomeColours[outcome] }}
              />
            </div>
            <Text size="xs" c="dimmed" ta="right" className="medusa-numeric">
              {strings.provision.seconds((to - from) / 1_000)}
            </Text>
          </li>
        ))}
      </ol>
    </>
  );
}

function Incarnations({ timeline }: { timeline: Timeline }): ReactNode {
  const births = incarnationsOf(timeline);
  if (births.length < 2) return null;
  return (
    <>
      <Text size="xs" c="dimmed" mt="sm">
        {text.incarnations}
      </Text>
      {births.map((at, index) => (
        <Text key={at} size="sm" className="medusa-numeric">
          {text.bornAt(index + 1, formatInstant(new Date(at).toISOString()))}
        </Text>
      ))}
    </>
  );
}
