import type { TypedEmitter } from '@medusa/kernel';
import { zoneOf, type NodeRegistry } from '../node/index.ts';
import { sitePlace, type LinkBook } from '../placement/index.ts';
import { readerOf, type SessionRecord } from './session-record.ts';

/** What came over a path, and for how long it was waited for. */
export type StudyRead = { readonly at: Date; readonly bytes: number; readonly waitedMs: number };

export function kbpsOf({ bytes, waitedMs }: StudyRead): number {
  return (bytes * 8) / waitedMs;
}

/** How fast the path of each zone to each storage node is, measured by what sessions read over it anyway. */
export function measurePaths(deps: {
  readonly sessions: {
    readonly events: Pick<TypedEmitter<{ read: [record: SessionRecord, read: StudyRead] }>, 'on'>;
  };
  readonly nodes: Pick<NodeRegistry, 'view'>;
  readonly links: Pick<LinkBook, 'observe'>;
}): void {
  deps.sessions.events.on('read', (record, read) => {
    const nodeId = readerOf(record) ?? record.nodeId;
    const node = nodeId === null ? undefined : deps.nodes.view(nodeId);
    if (!node) return;
    deps.links.observe(
      { from: sitePlace(record.storageNodeId), to: zoneOf(node), measure: 'kbps' },
      kbpsOf(read),
    );
  });
}
