import type { Instance, OcciBackend } from '../backend.ts';
import { pacsKind } from '../model/index.ts';
import { termOf } from './term.ts';

/**
 * Archives and modalities of the hospital, as far as they have sent something: who they are, their associations tell; where they are, no
 * storage node has told. Nothing starts or stops them from here.
 */
export function pacsBackend({
  senders,
}: {
  readonly senders: () => Promise<readonly string[]>;
}): OcciBackend {
  const list = async (): Promise<readonly Instance[]> => (await senders()).map(toInstance);
  return {
    ...{
      kind: pacsKind,
      access: { read: ['radiologist', 'doctor', 'admin'], change: ['admin'] },
      actions: [],
    },
    ...{ takesIds: false, linksAtBirth: [] },
    list,
    get: async (id) => (await list()).find((one) => one.id === id),
  };
}

/** An AE title has up to 16 characters of any sort (PS3.5 §6.2): where they do not fit into an address, another name is made. */
function toInstance(title: string): Instance {
  return {
    ...{ id: /^[A-Za-z0-9_-]{1,16}$/.test(title) ? title : termOf(title), mixins: [], actions: [] },
    attributes: new Map([
      ['occi.core.title', title],
      ['medusa.pacs.aetitle', title],
    ]),
  };
}
