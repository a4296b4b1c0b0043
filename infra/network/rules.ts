import type { SecurityRule } from '@medusa/protocol';
import type { Journal, WantedPort } from './journal.ts';

/** A rule for one address family, `group` spelled out: what both packet filters are written from. */
export type FlatRule = {
  readonly family: 4 | 6;
  readonly protocol: SecurityRule['protocol'];
  readonly fromPort: number | null;
  readonly toPort: number | null;
  /** A prefix or a single address. */
  readonly remote: string;
};

/**
 * What a port lets through.
 * `in`: null = it has no group: open within its network, closed from beyond. `out`: null = no group says a word about it: all.
 */
export type PortRules = { readonly in: readonly FlatRule[] | null; readonly out: readonly FlatRule[] | null };

export function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

export function rulesOf(port: WantedPort, journal: Journal): PortRules {
  const rules = journal.groups
    .filter(({ id }) => port.groups.includes(id))
    .flatMap((group) =>
      group.rules.map((rule) => ({ rule, flat: flatten(rule, membersOf(group.id, journal)) })),
    );
  const of = (direction: SecurityRule['direction']): FlatRule[] =>
    rules.filter(({ rule }) => rule.direction === direction).flatMap(({ flat }) => flat);
  return {
    in: port.groups.length === 0 ? null : of('in'),
    out: rules.some(({ rule }) => rule.direction === 'out') ? of('out') : null,
  };
}

function membersOf(group: string, { ports }: Journal): string[] {
  return ports
    .filter((port) => !port.isRemoving && port.groups.includes(group))
    .flatMap((port) => port.addresses);
}

function flatten(
  { protocol, fromPort, toPort, remote }: SecurityRule,
  members: readonly string[],
): FlatRule[] {
  const remotes = remote === 'group' ? members : [remote];
  const hasPorts = protocol === 'tcp' || protocol === 'udp';
  return remotes.map((address) => ({
    family: familyOf(address),
    protocol,
    fromPort: hasPorts ? (fromPort ?? toPort) : null,
    toPort: hasPorts ? (toPort ?? fromPort) : null,
    remote: address,
  }));
}
