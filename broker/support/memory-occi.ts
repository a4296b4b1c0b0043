import { AppError } from '@medusa/protocol';
import type { Instance, NewInstance, OcciBackend, OcciStore, Note } from '../occi/backend.ts';
import { identifierOf, type Kind, type Mixin, type OcciValue } from '../occi/model/index.ts';

/** Titles and tags that live as long as the test. */
export function createMemoryStore(): OcciStore {
  const mixins = new Map<string, Mixin>();
  const notes = new Map<string, Note>();
  const isEmpty = ({ title, summary, mixins: own }: Note): boolean =>
    title === null && summary === null && own.length === 0;
  const change: OcciStore['change'] = async (paths, next) => {
    for (const path of paths) {
      const note = next(notes.get(path) ?? { title: null, summary: null, mixins: [] }, path);
      if (isEmpty(note)) notes.delete(path);
      else notes.set(path, note);
    }
  };
  return {
    change,
    mixins: async () => [...mixins.values()],
    notes: async () => new Map(notes),
    addMixin: async (mixin) => void mixins.set(identifierOf(mixin), mixin),
    async removeMixin(identifier) {
      mixins.delete(identifier);
      await change([...notes.keys()], (note) => ({
        ...note,
        mixins: note.mixins.filter((one) => one !== identifier),
      }));
    },
  };
}

type Behaviour = Partial<Pick<OcciBackend, 'access' | 'takesIds' | 'linksAtBirth'>> & {
  readonly isReadOnly?: boolean;
  /** Name of the attribute that the actions set, and to what. */
  readonly states?: { readonly attribute: string; readonly after: Readonly<Record<string, string>> };
  readonly initial?: readonly Instance[];
};

/** Instances of a kind that live as long as the test. */
export function createMemoryBackend(kind: Kind, behaviour: Behaviour = {}): OcciBackend {
  const { states, initial = [], isReadOnly = false, ...rest } = behaviour;
  const instances = new Map<string, Instance>(initial.map((one) => [one.id, one]));
  let made = 0;
  const actions = states ? Object.keys(states.after) : [];
  const everybody = ['radiologist', 'doctor', 'admin'] as const;
  const put = (id: string, instance: Omit<Instance, 'id' | 'actions'>): Instance => {
    const one = { ...instance, id, actions };
    instances.set(id, one);
    return one;
  };
  const get = (id: string): Instance => {
    const instance = instances.get(id);
    if (!instance) throw new AppError('resource.unknown', 'There is no such instance');
    return instance;
  };
  const readable: OcciBackend = {
    ...{ kind, actions, takesIds: true, linksAtBirth: [], access: { read: everybody, change: ['admin'] } },
    ...rest,
    list: async () => [...instances.values()],
    get: async (id) => instances.get(id),
  };
  if (isReadOnly) return readable;
  return {
    ...readable,
    async create({ id: wantedId, mixins, attributes }: NewInstance) {
      const id = wantedId ?? `new-${(made += 1)}`;
      if (instances.has(id)) throw new AppError('resource.conflict', `${id} exists`);
      const state: [string, OcciValue][] = states ? [[states.attribute, 'inactive']] : [];
      return put(id, { mixins, attributes: new Map([...attributes, ...state]) });
    },
    update: async (id, changes) => {
      const { mixins, attributes } = get(id);
      return put(id, { mixins, attributes: new Map([...attributes, ...changes]) });
    },
    delete: async (id) => {
      get(id);
      instances.delete(id);
    },
    ...(states && {
      act: async (id, { term }) => {
        const { mixins, attributes } = get(id);
        const state = [states.attribute, states.after[term] ?? ''] as const;
        return put(id, { mixins, attributes: new Map([...attributes, state]) });
      },
    }),
  };
}
