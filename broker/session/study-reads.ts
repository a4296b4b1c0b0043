import type { TypedEmitter } from '@medusa/kernel';
import type { NodeRegistry } from '../node/index.ts';
import { sitePlace, type LinkBook } from '../placement/index.ts';
import type { SessionEvents } from './session-states.ts';

/** What came over a path, and for how long it was waited for. */
export type StudyRead = { readonly at: Date; readonly bytes: number; readonly waitedMs: number };

export function kbpsOf({ bytes, waitedMs }: StudyRead): number {
  return (bytes * 8) / waitedMs;
}

/** How fast the path of each zone to each storage node is, measured by what sessions read over it anyway. */
export function measurePaths(deps: {
  readonly sessions: { readonly events: Pick<TypedEmitter<SessionEvents>, 'on'> };
  readonly nodes: Pick<NodeRegistry, 'view'>;
  readonly links: Pick<LinkBook, 'observe'>;
}): void {
  deps.sessions.events.on('read', ({ nodeId, storageNodeId }, read) => {
    const zone = nodeId === null ? undefined : deps.nodes.view(nodeId)?.provider;
    if (zone === undefined) return;
    deps.links.observe({ from: sitePlace(storageNodeId), to: zone, measure: 'kbps' }, kbpsOf(read));
  });
}
