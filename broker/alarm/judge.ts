import type { Alarm, EntityStatus, NodeId, NodeState, StorageHealth } from '@medusa/protocol';

/** What is known of one storage node now. */
export type SeenNode = {
  readonly nodeId: NodeId;
  readonly state: NodeState;
  /** Undefined: it tells nothing of it, or has no link to this broker. */
  readonly health: StorageHealth | undefined;
  /** Of its own certificate for DICOM over TLS. */
  readonly certificateEndsAt: string | undefined;
  readonly entities: readonly EntityStatus[] | undefined;
  /** When copies were last found damaged. */
  readonly damagedAt: Date | undefined;
};

export type Condition = Pick<Alarm, 'kind' | 'severity' | 'subject' | 'nodeId' | 'words'> & {
  /** Of one condition there is one alarm. */
  readonly key: string;
  readonly isOn: boolean;
};

const dayMs = 86_400_000;
const gib = 2 ** 30;
/** Echoes that fail one after the other until somebody is told. */
const failuresOfAlarm = 2;
/** Days before the end of a certificate, each with an alarm of its own. */
const stages = [1, 7, 30];
/** Of the disk, where there is more than the reserve asks for. */
const freeShare = 0.05;
const lag = { onSeconds: 10, offSeconds: 5 };

/**
 * What is on, and what is off. Of what is between the two there is nothing here: it stays as it was, so that what swings
 * around a limit is told once.
 */
export function judge(nodes: readonly SeenNode[], watched: ReadonlySet<string>, now: Date): Condition[] {
  return nodes.flatMap((node) => [
    lostCondition(node),
    ...reachConditions(node, watched),
    ...certificateConditions(node, now),
    ...(node.health ? healthConditions(node, node.health, now) : []),
  ]);
}

function lostCondition({ nodeId, state }: SeenNode): Condition {
  return {
    ...{ key: `storage-lost ${nodeId}`, kind: 'storage-lost', severity: 'critical', subject: nodeId, nodeId },
    words: `Storage node ${nodeId} is not heard any more`,
    isOn: state === 'lost',
  };
}

function reachConditions({ nodeId, entities = [] }: SeenNode, watched: ReadonlySet<string>): Condition[] {
  return entities.flatMap(({ title, echo, failures }) => {
    if (!watched.has(title) || !echo || (failures > 0 && failures < failuresOfAlarm)) return [];
    return [
      {
        ...({
          key: `pacs-unreachable ${nodeId} ${title}`,
          kind: 'pacs-unreachable',
          severity: 'critical',
        } as const),
        ...{ subject: title, nodeId, isOn: failures >= failuresOfAlarm },
        words: `${title} cannot be reached from ${nodeId}: ${echo.words}`,
      },
    ];
  });
}

function certificateConditions(
  { nodeId, entities = [], certificateEndsAt }: SeenNode,
  now: Date,
): Condition[] {
  const ends = [
    ...(certificateEndsAt === undefined ? [] : [{ subject: nodeId as string, at: certificateEndsAt }]),
    ...entities.flatMap(({ title, certificateEndsAt: at }) => (at === null ? [] : [{ subject: title, at }])),
  ];
  return ends.flatMap(({ subject, at }) => {
    const days = (Date.parse(at) - now.getTime()) / dayMs;
    const stage = days < 0 ? 0 : stages.find((limit) => days <= limit);
    return [0, ...stages].map((limit) => ({
      ...{ key: `certificate ${nodeId} ${subject} ${limit}`, kind: 'certificate' as const, subject, nodeId },
      severity: limit <= 1 ? ('critical' as const) : ('warning' as const),
      words:
        limit === 0
          ? `The certificate of ${subject} has expired`
          : `The certificate of ${subject} ends within ${limit === 1 ? 'a day' : `${limit} days`}, on ${at.slice(0, 10)}`,
      isOn: stage === limit,
    }));
  });
}

function healthConditions({ nodeId, damagedAt }: SeenNode, health: StorageHealth, now: Date): Condition[] {
  const { freeBytes, diskBytes, reserveBytes, ingestSeconds } = health;
  const least = Math.max(2 * reserveBytes, freeShare * diskBytes);
  const isDamageNew = damagedAt !== undefined && now.getTime() - damagedAt.getTime() < dayMs;
  return [
    ...nodeCondition(nodeId, 'disk', {
      severity: 'critical',
      words: `The disk of ${nodeId} is nearly full: ${(freeBytes / gib).toFixed(1)} GiB are free, and below ${(reserveBytes / gib).toFixed(1)} GiB nothing is taken`,
      isOn: between(freeBytes, { on: (free) => free < least, off: (free) => free > least * 1.2 }),
    }),
    ...nodeCondition(nodeId, 'ingest-lag', {
      severity: 'warning',
      words: `${nodeId} takes long to store: an object waited ${ingestSeconds.toFixed(0)} s for its answer`,
      isOn: between(ingestSeconds, {
        on: (seconds) => seconds > lag.onSeconds,
        off: (seconds) => seconds < lag.offSeconds,
      }),
    }),
    ...(health.objectStoreUp === null ? [] : tierConditions(nodeId, health, isDamageNew)),
  ];
}

/** Of a node whose objects go on into an object store. */
function tierConditions(nodeId: NodeId, health: StorageHealth, isDamageNew: boolean): Condition[] {
  const [waiting, stuck] = [health.spoolObjects ?? 0, health.spoolStuck ?? 0];
  const [damaged, healed] = [health.copiesDamaged ?? 0, health.copiesHealed ?? 0];
  return [
    ...nodeCondition(nodeId, 'object-store', {
      severity: 'critical',
      words: `The object store of ${nodeId} does not answer; ${waiting} objects wait on its disk`,
      // Before the first object is moved nobody has asked.
      isOn: health.objectStoreUp === false && waiting > 0,
    }),
    ...nodeCondition(nodeId, 'spool', {
      severity: 'warning',
      words: `${stuck} objects of ${nodeId} do not get into the object store: a person must look at them`,
      isOn: stuck > 0,
    }),
    ...nodeCondition(nodeId, 'scrub', {
      severity: 'critical',
      words: `Damaged copies were found on ${nodeId}: ${damaged}, of which ${healed} were made again`,
      isOn: isDamageNew || damaged > healed,
    }),
  ];
}

function nodeCondition(
  nodeId: NodeId,
  kind: Condition['kind'],
  { isOn, ...told }: Pick<Condition, 'severity' | 'words'> & { readonly isOn: boolean | undefined },
): Condition[] {
  return isOn === undefined
    ? []
    : [{ key: `${kind} ${nodeId}`, kind, subject: nodeId, nodeId, ...told, isOn }];
}

function between(
  value: number,
  { on, off }: { on: (value: number) => boolean; off: (value: number) => boolean },
): boolean | undefined {
  if (on(value)) return true;
  return off(value) ? false : undefined;
}
