import { forms, type Form } from './values.ts';

/** How one kind of element stands in a document. Reading, writing and their round trip all follow this one table. */
export type Shape = {
  readonly attributes: readonly Attribute[];
  /** In the order in which they are written; they are read in any. */
  readonly children: readonly Child[];
  /** Attributes that count or repeat what the children say, or that are secrets: read over, with this word to the author. */
  readonly leftOut?: Readonly<Record<string, string>>;
};

export type Attribute = {
  /** In JSON. */
  readonly key: string;
  /** In XML, in lower case; the first one is written, the others occur in the field. */
  readonly names: readonly [string, ...string[]];
  readonly form: Form;
};

export type Child = {
  readonly key: string;
  readonly names: readonly [string, ...string[]];
  readonly isMany: boolean;
  /** Nothing: an element that is only text. */
  readonly shape: Shape | undefined;
};

const attribute = (form: Form, key: string, ...names: string[]): Attribute => ({
  key,
  names: [names[0] ?? key, ...names.slice(1)],
  form,
});
const texts = (...keys: string[]): Attribute[] => keys.map((key) => attribute(forms.text, key));
const one = (key: string, shape: Shape): Child => ({ key, names: [key], isMany: false, shape });
const many = (key: string, shape: Shape | undefined, ...names: [string, ...string[]]): Child => ({
  key,
  names,
  isMany: true,
  shape,
});

/** `status` was its name in schema 2.08. */
const state = attribute(forms.number, 'state', 'state', 'status');
const identity = [...texts('id', 'name'), state];
const counted = '';
const secret = 'a secret does not belong in a manifest';

const port: Shape = {
  attributes: [
    ...identity,
    attribute(forms.word, 'protocol'),
    attribute(forms.number, 'fromPort', 'from', 'port'),
    attribute(forms.number, 'toPort', 'to'),
    attribute(forms.text, 'range'),
    attribute(forms.word, 'direction'),
    ...texts('target'),
  ],
  children: [],
};
const ports = many('ports', port, 'port', 'endpoint');

const storage: Shape = {
  attributes: [...identity, attribute(forms.gibibytes, 'sizeGiB', 'size'), ...texts('type')],
  children: [
    many(
      'volumes',
      {
        attributes: [...identity, attribute(forms.gibibytes, 'sizeGiB', 'size'), ...texts('type')],
        children: [],
      },
      'volume',
    ),
  ],
  leftOut: { volumes: counted },
};

const gpu: Shape = {
  attributes: [
    ...identity,
    attribute(forms.number, 'count'),
    ...texts('model'),
    attribute(forms.gibibytes, 'memoryGiB', 'memory'),
    ...texts('encoder'),
  ],
  children: [],
};

const compute: Shape = {
  attributes: [
    ...identity,
    attribute(forms.architecture, 'architecture'),
    ...texts('hostname'),
    attribute(forms.number, 'cores'),
    attribute(forms.gigahertz, 'speedGHz', 'speed'),
    attribute(forms.gibibytes, 'memoryGiB', 'memory'),
  ],
  children: [one('gpu', gpu)],
};

const infrastructure: Shape = {
  attributes: identity,
  children: [
    one('compute', compute),
    one('network', {
      attributes: [...identity, ...texts('label', 'vlan')],
      children: [ports],
      leftOut: { ports: counted },
    }),
    one('storage', storage),
  ],
};

const software = [
  ...identity,
  ...texts('version', 'distribution', 'description', 'constraint', 'requirement', 'price', 'license'),
];

const image: Shape = {
  attributes: [...identity, attribute(forms.text, 'vm', 'vm', 'application'), ...texts('agent', 'price')],
  children: [
    one('system', { attributes: software, children: [] }),
    many(
      'packages',
      {
        attributes: [
          ...software.filter(({ key }) => key !== 'requirement'),
          attribute(forms.text, 'requirement', 'requirement', 'requirements'),
          ...texts('installation', 'configuration', 'mirrors'),
        ],
        children: [ports],
        leftOut: { ports: counted },
      },
      'package',
    ),
  ],
  leftOut: { packages: counted },
};

const node: Shape = {
  attributes: [
    ...identity,
    ...texts('provider', 'operator', 'profile'),
    attribute(forms.word, 'access'),
    ...texts('category'),
    attribute(forms.word, 'scope'),
    ...texts('type', 'entry', 'firewall', 'cordscript'),
  ],
  children: [one('infrastructure', infrastructure), one('image', image)],
};

const section: Shape = {
  attributes: identity,
  children: [
    many('actions', { attributes: [...identity, ...texts('type', 'expression')], children: [] }, 'action'),
  ],
  leftOut: { actions: counted },
};

const account: Shape = {
  attributes: [...identity, ...texts('number', 'security', 'legal')],
  children: [
    many(
      'users',
      {
        attributes: [...identity, ...texts('email', 'role')],
        children: [],
        leftOut: { password: secret, authorization: secret, account: counted, when: counted },
      },
      'user',
    ),
  ],
  leftOut: { users: counted },
};

const price: Shape = {
  attributes: [
    ...identity,
    ...texts('operator', 'description', 'currency', 'fixed', 'rate', 'units', 'period'),
  ],
  children: [],
};

const quota: Shape = {
  attributes: [
    ...identity,
    ...texts('property', 'description', 'operator', 'zone', 'opinion'),
    attribute(forms.number, 'ceiling'),
    // The manual calls it `value`, the schema `offered`.
    attribute(forms.number, 'offered', 'offered', 'value'),
    ...['reserved', 'consumed', 'granularity'].map((key) => attribute(forms.number, key)),
    ...texts('units'),
  ],
  children: [one('price', price)],
};

const provider: Shape = {
  attributes: [
    ...identity,
    ...texts('identity', 'category', 'profile', 'operator', 'zone', 'opinion', 'security', 'price'),
  ],
  children: [many('quotas', quota, 'quota')],
  leftOut: { quotas: counted },
};

const remark: Shape = { attributes: [...texts('code', 'message'), state], children: [] };

export const manifestShape: Shape = {
  attributes: [...identity, ...texts('plan', 'zone')],
  children: [
    one('security', { attributes: [...identity, ...texts('level', 'scheme')], children: [] }),
    one('account', account),
    one('configuration', section),
    one('release', section),
    one('interface', section),
    many('providers', provider, 'provider'),
    many('nodes', node, 'node'),
    many('errors', remark, 'error'),
    many('warnings', remark, 'warning'),
    many('choices', remark, 'choice'),
    many('descriptions', undefined, 'description'),
  ],
  leftOut: { nodes: counted },
};
