import type { DeploymentInstruction, DeploymentPlan, ResourceView } from '@medusa/protocol';

type Views = ReadonlyMap<string, ResourceView>;
type Node = DeploymentPlan['nodes'][number];
type Told = {
  readonly environment: Record<string, string>;
  readonly steps: string[];
  readonly refused: string[];
};

/** What one machine is told of others when it starts, and what of its instructions is not carried out. */
export type GuestOrders = {
  /** Names begin with `SERVICE_`, so that none of the agent's own is ever replaced. */
  readonly environment: Readonly<Record<string, string>>;
  /** In words, one an instruction that is in the environment. */
  readonly told: readonly string[];
  /** In words, one an instruction that is not, with the reason. */
  readonly refused: readonly string[];
};

/**
 * `a.configure(b.hostname)` becomes `SERVICE_B_HOSTNAME` in the environment of a's machine, and `a.limit = 3` becomes `SERVICE_LIMIT`.
 * What only a program in the guest could do is not carried out: there is none that takes commands.
 */
export function guestOrders(node: Node, plan: DeploymentPlan, views: Views): GuestOrders {
  const orders: Told = { environment: {}, steps: [], refused: [] };
  for (const instruction of node.instructions) {
    const said = `${instruction.section}: ${instruction.verb}(${instruction.arguments.map(wordOf).join(', ')})`;
    const found = entriesOf(instruction, { node, plan, views });
    const why = typeof found === 'string' ? found : whyNot(found, orders.environment);
    if (why !== undefined) orders.refused.push(`${said} is not carried out: ${why}`);
    else if (typeof found !== 'string') {
      Object.assign(orders.environment, Object.fromEntries(found));
      orders.steps.push(found.length === 0 ? said : `${said}: ${found.map(([name]) => name).join(', ')}`);
    }
  }
  return { environment: orders.environment, told: orders.steps, refused: orders.refused };
}

type Entries = readonly (readonly [name: string, value: string])[];
type Place = { readonly node: Node; readonly plan: DeploymentPlan; readonly views: Views };

const reasons: Readonly<Record<string, string>> = {
  system: 'no program in the guest takes commands',
  fork: 'no program in the guest takes commands; what an application runs is started by its sessions',
  kill: 'no program in the guest takes commands',
  stop: 'machines are switched by suspend and release',
  save: 'images are not made of running machines',
  snapshot: 'snapshots are taken of volumes, by an administrator',
  monitor: 'what agreements measure is measured without being asked',
  iface: 'it describes the application to its sessions',
};

/** A sentence: why nothing of it can be in an environment. */
function entriesOf({ verb, arguments: given }: DeploymentInstruction, place: Place): Entries | string {
  if (!place.node.wishes.some(({ spec }) => spec.kind === 'machine'))
    return 'the node has no machine of its own';
  if (verb === 'start') return [];
  if (verb === 'configure') return configured(given, place);
  if (verb === 'assign') return assigned(given);
  return reasons[verb] ?? 'nothing here does that';
}

type Given = DeploymentInstruction['arguments'];

function configured(given: Given, place: Place): Entries | string {
  const entries: (readonly [string, string])[] = [];
  for (const argument of given) {
    if (argument.kind !== 'property') return 'it is given no property of a node';
    const value = propertyOf(argument, place);
    if ('why' in value) return value.why;
    entries.push([nameOf([argument.node, argument.property]), value.text]);
  }
  return entries;
}

function assigned([attribute, value]: Given): Entries | string {
  if (attribute?.kind !== 'text' || !value || value.kind === 'property') return 'its value is not known here';
  return [[nameOf([attribute.text]), value.kind === 'number' ? String(value.number) : value.text]];
}

type Property = Extract<Given[number], { kind: 'property' }>;

type Value = { readonly text: string } | { readonly why: string };

function propertyOf({ node, property }: Property, { plan, views }: Place): Value {
  const source = plan.nodes.find((candidate) => candidate.node === node);
  const machine = source?.wishes.find(({ spec }) => spec.kind === 'machine');
  if (!machine)
    return { why: node === '' ? `${property} is no node's` : `${node} has no machine of its own` };
  const view = views.get(machine.id);
  switch (property) {
    case 'contract':
      return { text: machine.id };
    case 'hostname':
      return known(view?.addresses[0], `${node} has no address`);
    case 'reference':
      return known(view?.ref, `${node} has no name at its provider`);
    case 'rootpass':
      return { why: 'passwords are not handed out' };
    default:
      return { why: 'sessions are given access, to one study each' };
  }
}

function known(text: string | null | undefined, why: string): Value {
  return text == null ? { why } : { text };
}

function nameOf(words: readonly string[]): string {
  return `SERVICE_${words
    .join('_')
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')}`;
}

/** Not every provider takes control characters in an environment. */
function whyNot(entries: Entries, taken: Readonly<Record<string, string>>): string | undefined {
  for (const [name, value] of entries) {
    if ((taken[name] ?? value) !== value) return `${name} has another value already`;
    // eslint-disable-next-line no-control-regex -- they are what is looked for
    if (/[\u0000-\u001f\u007f]/.test(value)) return 'its value has control characters';
  }
  return undefined;
}

function wordOf(argument: Given[number]): string {
  if (argument.kind === 'text') return `'${argument.text}'`;
  if (argument.kind === 'number') return String(argument.number);
  return argument.node === '' ? argument.property : `${argument.node}.${argument.property}`;
}
