import type { ResourceKind } from '@medusa/protocol';
import { CloudError } from './cloud-error.ts';
import type { Thing, View } from './thing.ts';

type Call = {
  readonly ref: string;
  readonly argument: string | undefined;
  readonly readyMs: number;
  readonly find: (kind: ResourceKind, ref: string) => { readonly thing: Thing; readonly view: View };
};
type Action = (view: View, call: Call) => readonly { inMs: number; view: View }[];

/** What can be done to a thing: what it turns into. Nothing, when it is that already. */
export const actions: Readonly<Partial<Record<string, Action>>> = {
  'machine.start': power(['stopped', 'suspended'], { state: 'running', detail: 'ACTIVE' }),
  'machine.stop': power(['running', 'suspended', 'error'], { state: 'stopped', detail: 'SHUTOFF' }),
  'machine.suspend': power(['running'], { state: 'suspended', detail: 'SUSPENDED' }),
  'machine.resume': power(['suspended'], { state: 'running', detail: 'ACTIVE' }),
  'machine.restart': (view, { readyMs }) => {
    if (view.state !== 'running' && view.state !== 'error') throw refused(view);
    return [
      { inMs: 0, view: { ...view, state: 'pending', detail: 'REBOOT' } },
      { inMs: readyMs, view: { ...view, state: 'running', detail: 'ACTIVE' } },
    ];
  },
  'volume.attach': (view, { argument, find }) => {
    const attachedTo = view['attachedTo'] as { machineRef: string } | null;
    const { thing } = find('machine', argument ?? '');
    if (attachedTo?.machineRef === thing.ref) return [];
    if (attachedTo) throw new CloudError('conflict', `It is attached to ${attachedTo.machineRef}`);
    if (view.state !== 'running') throw refused(view);
    return at({ ...view, attachedTo: { machineRef: thing.ref, device: '/dev/vdb' } });
  },
  'volume.detach': (view) => (view['attachedTo'] === null ? [] : at({ ...view, attachedTo: null })),
  'volume.revert': (view, { argument, find, ref }) => {
    if (find('snapshot', argument ?? '').view['volumeRef'] !== ref)
      throw new CloudError('invalid', `${argument ?? ''} is no snapshot of ${ref}`);
    if (view['attachedTo'] !== null) throw new CloudError('conflict', `${ref} is attached`);
    return at(view);
  },
  'address.assign': (view, { argument, find }) =>
    at({ ...view, assignedTo: find('machine', argument ?? '').thing.ref }),
  'address.unassign': (view) => at({ ...view, assignedTo: null }),
};

function power(from: readonly View['state'][], to: Pick<View, 'state' | 'detail'>): Action {
  return (view, { readyMs }) => {
    if (view.state === to.state) return [];
    if (!from.includes(view.state)) throw refused(view);
    return [
      {
        inMs: 0,
        view: { ...view, state: to.state === 'running' ? 'pending' : 'stopping', detail: 'POWERING' },
      },
      { inMs: readyMs, view: { ...view, ...to } },
    ];
  };
}

const at = (view: View): readonly { inMs: number; view: View }[] => [{ inMs: 0, view }];

const refused = ({ detail }: View): CloudError => new CloudError('conflict', `Not while it is ${detail}`);
