import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ResourceKind } from '@medusa/protocol';
import type { z } from 'zod';
import { actions } from './actions.ts';
import { birthOf, type Surroundings } from './births.ts';
import type { createBodySchema } from './cloud-api.ts';
import { openChanges, type Changes } from './changes.ts';
import { CloudError } from './cloud-error.ts';
import type { CloudSettings } from './cloud-settings.ts';
import { change, viewAt, type Thing, type View } from './thing.ts';
import { eachKind, keepTruth, type Truth } from './truth.ts';

type Found = { readonly thing: Thing; readonly view: View };
type CreateBody = z.output<typeof createBodySchema>;

/** How a call that is carried out goes wrong. */
type Mishap = { readonly ignoreToken: boolean; readonly failedBoot: boolean };

export type Cloud = Disposable & {
  readonly settings: CloudSettings;
  readonly changes: Changes;
  create(kind: ResourceKind, body: CreateBody, mishap: Mishap): Found;
  get(kind: ResourceKind, ref: string): Found;
  list(kind: ResourceKind, owner: string): readonly Found[];
  destroy(kind: ResourceKind, ref: string): void;
  act(kind: ResourceKind, call: { ref: string; action: string; argument: string | undefined }): void;
  setKey(name: string, publicKey: string): void;
  removeKey(name: string): void;
  /** Behind the back of whoever owns it: a machine breaks down, or is gone. */
  breakMachine(ref: string, how: 'error' | 'gone'): void;
  machine(ref: string): Thing | undefined;
  used(kind: ResourceKind): number;
  truth(): Truth;
};

const keptGoneMs = 600_000;

/** A cloud in memory. What anybody reads is what was `faults.staleMs` ago; what is done is done to what is. */
export function makeCloud(
  settings: CloudSettings,
  { now, random }: { now: () => number; random: () => number },
): Cloud {
  const things = eachKind(() => new Map<string, Thing>());
  const byToken = new Map<string, Thing>();
  const keys = new Map<string, string>();
  const counts = keepTruth();
  const changes = openChanges(now);
  let sequence = 0;

  const alive = (kind: ResourceKind): readonly Found[] =>
    Array.from(things[kind].values()).flatMap((thing) => {
      const view = viewAt(thing, now());
      return view ? [{ thing, view }] : [];
    });
  const isVisible = (thing: Thing): boolean => now() - thing.createdAtMs >= settings.faults.invisibleMs;
  const find = (kind: ResourceKind, ref: string): Found => {
    const thing = things[kind].get(ref);
    const view = thing && viewAt(thing, now());
    if (!view || !isVisible(thing)) throw new CloudError('not-found', `There is no ${kind} ${ref}`);
    return { thing, view };
  };
  const turn = (thing: Thing, views: readonly { inMs: number; view: View | null }[]): void => {
    change(thing, now(), views);
    changes.note(thing);
  };
  /** What reads are shown. */
  const shown = (thing: Thing): Found | undefined => {
    const view = isVisible(thing) ? viewAt(thing, now() - settings.faults.staleMs) : null;
    return view ? { thing, view } : undefined;
  };
  const forgetLongGone = (kind: ResourceKind): void => {
    for (const thing of things[kind].values()) {
      const last = thing.versions.at(-1);
      if (last?.view === null && now() - last.atMs > keptGoneMs) things[kind].delete(thing.ref);
      else return;
    }
  };
  const sameAsBefore = (kind: ResourceKind, body: CreateBody, isIgnored: boolean): Found | undefined => {
    const made = byToken.get(`${kind}/${body.token}`);
    if (settings.honoursTokens && made && !isIgnored)
      return { thing: made, view: viewAt(made, now()) ?? { ...lastView(made), state: 'terminated' } };
    if (!settings.uniqueNames) return undefined;
    const named = alive(kind).find(({ thing }) => thing.name === body.name);
    if (!named) return undefined;
    if (isDeepStrictEqual(named.thing.tag, body.tag) && !isGoing(named.thing)) return named;
    throw new CloudError('conflict', `The name ${body.name} is taken`);
  };

  const release = (ref: string): void => {
    for (const { thing, view } of alive('volume'))
      if ((view['attachedTo'] as { machineRef: string } | null)?.machineRef === ref)
        turn(thing, [{ inMs: 0, view: { ...view, attachedTo: null } }]);
    for (const { thing, view } of alive('address'))
      if (view['assignedTo'] === ref) turn(thing, [{ inMs: 0, view: { ...view, assignedTo: null } }]);
  };

  return {
    settings,
    changes,
    create(kind, body, { ignoreToken, failedBoot }) {
      const before = sameAsBefore(kind, body, ignoreToken);
      if (before) return before;
      const limit = settings.quotas[kind];
      if (limit !== undefined && alive(kind).length >= limit)
        throw new CloudError('quota', `The quota of ${limit} ${kind}s is used up`);
      sequence += 1;
      const around: Surroundings = { settings, random, sequence, alive, find };
      const { fields, readyMs } = birthOf(kind, body.spec, around);
      const thing: Thing = {
        kind,
        ref: `${kind}-${sequence}-${randomBytes(3).toString('hex')}`,
        name: body.name,
        tag: body.tag,
        createdAtMs: now(),
        spec: body.spec,
        versions: [],
      };
      const first: View = { ...fields, state: 'pending', detail: 'BUILD' };
      const ready: View = failedBoot
        ? { ...fields, state: 'error', detail: 'ERROR: the machine did not boot' }
        : { ...fields, state: 'running', detail: 'ACTIVE' };
      forgetLongGone(kind);
      things[kind].set(thing.ref, thing);
      byToken.set(`${kind}/${body.token}`, thing);
      counts.born(thing);
      turn(thing, [
        { inMs: 0, view: first },
        { inMs: readyMs, view: ready },
      ]);
      return { thing, view: viewAt(thing, now()) ?? first };
    },
    get(kind, ref) {
      const thing = things[kind].get(ref);
      const found = thing && shown(thing);
      if (!found) throw new CloudError('not-found', `There is no ${kind} ${ref}`);
      return found;
    },
    list: (kind, owner) =>
      Array.from(things[kind].values())
        .filter((thing) => thing.tag.owner === owner)
        .flatMap((thing) => shown(thing) ?? []),
    destroy(kind, ref) {
      const { thing, view } = find(kind, ref);
      if (view.state === 'stopping' && isGoing(thing)) return;
      refuseWhileUsed({ thing, view }, alive);
      counts.gone(thing);
      if (kind === 'machine') release(ref);
      const inMs = settings.destroyMs + settings.faults.slowDestroyMs;
      turn(thing, [
        { inMs: 0, view: { ...view, state: 'stopping', detail: 'DELETING' } },
        { inMs, view: null },
      ]);
    },
    act(kind, { ref, action, argument }) {
      const perform = actions[`${kind}.${action}`];
      if (!perform) throw new CloudError('invalid', `A ${kind} cannot ${action}`);
      const { thing, view } = find(kind, ref);
      const views = perform(view, { argument, find, readyMs: settings.readyMs, ref });
      if (views.length > 0) turn(thing, views);
    },
    setKey(name, publicKey) {
      if ((keys.get(name) ?? publicKey) !== publicKey)
        throw new CloudError('conflict', `There is another key ${name}`);
      keys.set(name, publicKey);
    },
    removeKey(name) {
      if (!keys.delete(name)) throw new CloudError('not-found', `There is no key ${name}`);
    },
    breakMachine(ref, how) {
      const { thing, view } = find('machine', ref);
      if (how === 'error') {
        turn(thing, [{ inMs: 0, view: { ...view, state: 'error', detail: 'ERROR: the host has failed' } }]);
        return;
      }
      if (!isGoing(thing)) counts.gone(thing);
      release(ref);
      turn(thing, [{ inMs: 0, view: null }]);
    },
    machine: (ref) => things.machine.get(ref),
    used: (kind) => alive(kind).length,
    truth: () => counts.tell(),
    [Symbol.dispose]: () => changes[Symbol.dispose](),
  };
}

/** Whether its destruction was accepted: its last version is the end. */
const isGoing = (thing: Thing): boolean => thing.versions.at(-1)?.view === null;

const lastView = (thing: Thing): View =>
  thing.versions.findLast(({ view }) => view !== null)?.view ?? { state: 'terminated', detail: '' };

/** As clouds do: what another thing stands on stays. */
function refuseWhileUsed({ thing, view }: Found, alive: (kind: ResourceKind) => readonly Found[]): void {
  const isUsedBy = (kind: ResourceKind, isUser: (found: Found) => boolean): boolean =>
    alive(kind).some((found) => !isGoing(found.thing) && isUser(found));
  const uses =
    (field: 'networkRefs' | 'securityGroupRefs') =>
    (found: Found): boolean =>
      (found.thing.spec as Record<string, string[]>)[field]?.includes(thing.ref) === true;
  const isInUse =
    (thing.kind === 'volume' &&
      (view['attachedTo'] !== null || isUsedBy('snapshot', (one) => one.view['volumeRef'] === thing.ref))) ||
    (thing.kind === 'network' && isUsedBy('machine', uses('networkRefs'))) ||
    (thing.kind === 'security-group' && isUsedBy('machine', uses('securityGroupRefs')));
  if (isInUse) throw new CloudError('conflict', `${thing.ref} is in use`);
}
