import { Badge, Tooltip } from '@mantine/core';
import type { ResourcePhase } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';

const text = strings.provision;

/** A colour and a shape each: whoever does not tell the colours apart tells the shapes apart. */
export const phaseLooks: Readonly<Record<ResourcePhase, { colour: string; badge: string; shape: string }>> = {
  planned: { colour: '#94a0ac', badge: 'gray', shape: 'M8 2.5a5.5 5.5 0 1 0 .01 0zM8 4a4 4 0 1 1-.01 0z' },
  creating: { colour: '#6fa8e8', badge: 'blue', shape: 'M8 2.5a5.5 5.5 0 1 0 5.5 5.5H12A4 4 0 1 1 8 4z' },
  joining: { colour: '#8fbef0', badge: 'blue', shape: 'M8 2a6 6 0 1 0 0 12z' },
  ready: { colour: '#4fb9bd', badge: 'teal', shape: 'M8 2a6 6 0 1 0 .01 0z' },
  degraded: { colour: '#e8c15a', badge: 'yellow', shape: 'M8 1.8 14.6 14H1.4z' },
  draining: { colour: '#e8c15a', badge: 'yellow', shape: 'M8 14.2 1.4 2h13.2z' },
  destroying: { colour: '#efa66a', badge: 'orange', shape: 'M3 3h10v10H3zM4.6 4.6v6.8h6.8V4.6z' },
  quarantined: {
    colour: '#b79cf0',
    badge: 'violet',
    shape: 'M8 1 15 8 8 15 1 8zM8 3.6 3.6 8 8 12.4 12.4 8z',
  },
  held: { colour: '#b79cf0', badge: 'violet', shape: 'M3 2.5h3.6v11H3zM9.4 2.5H13v11H9.4z' },
  error: {
    colour: '#f08c8c',
    badge: 'red',
    shape: 'M3.6 2 8 6.4 12.4 2 14 3.6 9.6 8l4.4 4.4-1.6 1.6L8 9.6 3.6 14 2 12.4 6.4 8 2 3.6z',
  },
  absent: { colour: '#66727e', badge: 'gray', shape: 'M8 6.2a1.8 1.8 0 1 0 .01 0z' },
};

export function PhaseMark({ phase, size = 14 }: { phase: ResourcePhase; size?: number }): ReactNode {
  const { colour, shape } = phaseLooks[phase];
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" className="phase-mark">
      <path d={shape} fill={colour} fillRule="evenodd" />
    </svg>
  );
}

/** A state and, for who points at it, why. */
export function PhaseBadge({ phase, reason }: { phase: ResourcePhase; reason: string }): ReactNode {
  return (
    <Tooltip label={reason === '' ? text.phaseHelp[phase] : reason} multiline maw={400}>
      <Badge
        variant="light"
        radius="sm"
        miw="max-content"
        color={phaseLooks[phase].badge}
        leftSection={<PhaseMark phase={phase} size={10} />}
        data-phase={phase}
      >
        {text.phases[phase]}
      </Badge>
    </Tooltip>
  );
}
