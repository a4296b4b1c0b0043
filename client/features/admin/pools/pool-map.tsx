import { Group, Text } from '@mantine/core';
import { resourcePhaseSchema, type PoolView, type ResourceId, type ResourceView } from '@medusa/protocol';
import { memo, useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { PhaseMark } from '../provision/phase.tsx';

const text = strings.provision.pools;
const phaseText = strings.provision.phases;
/** As many tiles have room for their names; more are small. */
const mostNamed = 60;

type Props = {
  readonly label: string;
  readonly nodes: readonly ResourceView[];
  readonly open: (id: ResourceId) => void;
};

/** A tile for each node, told apart by colour and shape. One thousand are a glance. */
export function PoolMap({ label, nodes, open }: Props): ReactNode {
  const [chosen, setChosen] = useState<ResourceId | null>(null);
  const [pointed, setPointed] = useState<ResourceId | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const prefix = useId();
  const isNamed = nodes.length <= mostNamed;
  const shown = nodes.find(({ id }) => id === (pointed ?? chosen));

  const choose = (index: number): void => {
    const node = nodes[Math.min(Math.max(index, 0), nodes.length - 1)];
    if (!node) return;
    setChosen(node.id);
    document.getElementById(`${prefix}${node.id}`)?.scrollIntoView({ block: 'nearest' });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = nodes.findIndex(({ id }) => id === chosen);
    const moves: Readonly<Record<string, number>> = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at < 0 ? 0 : at + columnsOf(list.current),
      ArrowUp: at - columnsOf(list.current),
      Home: 0,
      End: nodes.length - 1,
    };
    const to = moves[event.key];
    if (to !== undefined) choose(to);
    else if (event.key === 'Enter' && chosen !== null) open(chosen);
    else return;
    event.preventDefault();
  };
  const idAt = (target: EventTarget): ResourceId | null =>
    nodes.find(({ id }) => id === (target as Element).closest<HTMLElement>('[data-node]')?.dataset['node'])
      ?.id ?? null;

  if (nodes.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {text.noNodes}
      </Text>
    );
  return (
    <div>
      <div
        ref={list}
        className="pool-map"
        data-named={isNamed || undefined}
        role="listbox"
        tabIndex={0}
        aria-label={label}
        aria-activedescendant={chosen === null ? undefined : `${prefix}${chosen}`}
        onKeyDown={onKeyDown}
        onFocus={() => chosen ?? setChosen(nodes[0]?.id ?? null)}
        onClick={(event) => {
          const id = idAt(event.target);
          if (id === null) return;
          setChosen(id);
          open(id);
        }}
        onPointerOver={(event) => setPointed(idAt(event.target))}
        onPointerLeave={() => setPointed(null)}
        data-testid="pool-map"
      >
        {nodes.map(({ id, phase, liveSessions }) => (
          <Tile
            key={id}
            {...{ id, phase, liveSessions, isNamed }}
            elementId={`${prefix}${id}`}
            isChosen={id === chosen}
          />
        ))}
      </div>
      <Text size="xs" c="dimmed" mt={6} truncate className="medusa-numeric">
        {shown ? inWords(shown) : text.mapHelp}
      </Text>
    </div>
  );
}

function inWords({ id, phase, liveSessions, waiting, reason }: ResourceView): string {
  return [id, phaseText[phase], text.sessions(liveSessions), waiting?.step, reason]
    .filter((part) => part !== undefined && part !== '')
    .join(' · ');
}

const Tile = memo(function Tile(props: {
  id: ResourceId;
  phase: ResourceView['phase'];
  liveSessions: number;
  isNamed: boolean;
  isChosen: boolean;
  elementId: string;
}): ReactNode {
  const { id, phase, liveSessions, isNamed, isChosen, elementId } = props;
  return (
    <div
      id={elementId}
      role="option"
      aria-selected={isChosen}
      aria-label={`${id}, ${phaseText[phase]}, ${text.sessions(liveSessions)}`}
      className="pool-tile"
      data-testid="pool-tile"
      data-node={id}
      data-phase={phase}
      data-used={liveSessions > 0 || undefined}
    >
      <PhaseMark phase={phase} size={isNamed ? 16 : 12} />
      {isNamed && (
        <span className="pool-tile-name">
          <span>{id}</span>
          <small>
            {phaseText[phase]}
            {liveSessions > 0 && ` · ${text.sessions(liveSessions)}`}
          </small>
        </span>
      )}
    </div>
  );
});

/** How many tiles are in the first row, as they are laid out now. */
function columnsOf(list: HTMLDivElement | null): number {
  const tiles = Array.from(list?.children ?? [], (tile) => (tile as HTMLElement).offsetTop);
  const next = tiles.findIndex((top) => top !== tiles[0]);
  return Math.max(1, next < 0 ? tiles.length : next);
}

/** What the colours and shapes mean, with how many there are. */
export function PhaseKey({ counts }: { counts: PoolView['counts'] }): ReactNode {
  return (
    <Group gap="md">
      {resourcePhaseSchema.options
        .filter((phase) => counts[phase] > 0 && phase !== 'absent')
        .map((phase) => (
          <Group
            key={phase}
            gap={5}
            title={strings.provision.phaseHelp[phase]}
            data-testid={`count-${phase}`}
          >
            <PhaseMark phase={phase} />
            <Text size="sm" className="medusa-numeric">
              {counts[phase]}
            </Text>
            <Text size="xs" c="dimmed">
              {phaseText[phase]}
            </Text>
          </Group>
        ))}
    </Group>
  );
}
