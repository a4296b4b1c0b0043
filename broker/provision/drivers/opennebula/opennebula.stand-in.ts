import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { serveStandIn } from '../../../support/http-stand-in.ts';
import { readXml } from '../xml/document.ts';
import { decodeCall, encodeResponse, type XmlRpcValue } from '../xml/xml-rpc.ts';

type Vm = {
  id: number;
  name: string;
  states: (readonly [number, number])[];
  template: Attributes;
  disks: number[];
};
type Image = {
  id: number;
  name: string;
  size: number;
  persistent: number;
  states: number[];
  attributes: Attributes;
};
type Plain = { id: number; name: string; attributes: Attributes };
type Attributes = Record<string, unknown>;

const session = 'medusa:secret';
const codes = { auth: 0x0100, unknown: 0x0400, action: 0x0800, parameter: 0x1000, allocate: 0x4000 };

/** OpenNebula's front-end as far as the driver speaks with it: recorded bodies, and the states they go through. */
export class OpenNebulaStandIn implements AsyncDisposable {
  readonly vms = new Map<number, Vm>();
  readonly images = new Map<number, Image>();
  readonly networks = new Map<number, Plain>();
  readonly groups = new Map<number, Plain>();
  readonly url: string;
  readonly #bodies: Readonly<Record<string, string>>;
  readonly #server: AsyncDisposable;
  #lastId = 60;

  private constructor(url: string, server: AsyncDisposable, bodies: Readonly<Record<string, string>>) {
    this.url = url;
    this.#server = server;
    this.#bodies = bodies;
  }

  static async start(): Promise<OpenNebulaStandIn> {
    const names = ['vm', 'image', 'vnet', 'vmtemplate'];
    const bodies = await Promise.all(
      names.map(async (name) => [
        name,
        (await readFile(join(import.meta.dirname, `recorded/${name}.xml`), 'utf8')).trim(),
      ]),
    );
    let standIn: OpenNebulaStandIn | undefined = undefined;
    const server = await serveStandIn(({ body }) => {
      const { method, parameters } = decodeCall(body);
      const [given, ...rest] = parameters;
      const answer =
        given === session
          ? (standIn as unknown as OpenNebulaStandIn).#answer(method, rest)
          : fail(codes.auth, `[${method}] User couldn't be authenticated, aborting.`);
      return { headers: { 'content-type': 'text/xml' }, body: encodeResponse(answer) };
    });
    standIn = new OpenNebulaStandIn(
      `${server.origin}/RPC2`,
      server,
      Object.fromEntries(bodies) as Record<string, string>,
    );
    return standIn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  /** The hypervisor lost it: BOOT_FAILURE. */
  break(id: number): void {
    const vm = this.vms.get(id);
    if (vm) vm.states = [[3, 36]];
  }

  #answer(method: string, parameters: readonly unknown[]): XmlRpcValue {
    const fixed = this.#fixed()[method];
    if (fixed !== undefined) return done(fixed);
    if (method === 'one.template.instantiate') return this.#instantiate(parameters);
    const [kind, verb] = method.replace(/^one\./, '').split('.');
    switch (kind?.replace(/pool$/, '')) {
      case 'vm':
        return this.#machine(method, parameters);
      case 'image':
        return this.#image(method, parameters);
      case 'vn': {
        const draw = (network: Plain): string => this.#drawNetwork(network);
        return this.#plain(this.networks, { verb, parameters, pool: 'VNET_POOL', draw });
      }
      case 'secgroup':
        return this.#plain(this.groups, { verb, parameters, pool: 'SECURITY_GROUP_POOL', draw: drawGroup });
      default:
        throw new Error(`The stand-in does not know ${method}`);
    }
  }

  #fixed(): Readonly<Record<string, string>> {
    return {
      'one.system.version': '6.10.0',
      'one.user.info':
        '<USER><ID>2</ID><GID>1</GID><NAME>medusa</NAME><VM_QUOTA><VM><CPU>8</CPU><CPU_USED>1</CPU_USED><MEMORY>-1</MEMORY><MEMORY_USED>512</MEMORY_USED><VMS>20</VMS><VMS_USED>1</VMS_USED></VM></VM_QUOTA></USER>',
      'one.clusterpool.info':
        '<CLUSTER_POOL><CLUSTER><ID>0</ID><NAME>default</NAME></CLUSTER></CLUSTER_POOL>',
      'one.templatepool.info': `<VMTEMPLATE_POOL>${this.#bodies['vmtemplate']}</VMTEMPLATE_POOL>`,
    };
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #instantiate([template, name, , extra]: readonly unknown[]): XmlRpcValue {
    if (template !== 4)
      return fail(
        codes.unknown,
        `[one.template.instantiate] Error getting virtual machine template [${String(template)}].`,
      );
    const id = this.#nextId();
    // PENDING, then ACTIVE: PROLOG, BOOT, RUNNING.
    const states: Vm['states'] = [
      [1, 0],
      [3, 1],
      [3, 2],
      [3, 3],
    ];
    this.vms.set(id, { id, name: String(name), states, template: readAttributes(extra), disks: [] });
    return done(id);
  }

  #machine(method: string, parameters: readonly unknown[]): XmlRpcValue {
    if (method === 'one.vmpool.infoextended') {
      const there = [...this.vms.values()].filter(({ states }) => states[0]?.[0] !== 6);
      return done(`<VM_POOL>${there.map((vm) => this.#drawVm(vm)).join('')}</VM_POOL>`);
    }
    const isAction = method === 'one.vm.action';
    const id = Number(parameters[isAction ? 1 : 0]);
    const vm = this.vms.get(id);
    if (!vm) return fail(codes.unknown, `[${method}] Error getting virtual machine [${id}].`);
    if (method === 'one.vm.info') return done(this.#drawVm(vm));
    if (method === 'one.vm.attach') return this.#attach(vm, readAttributes(parameters[1]));
    if (method === 'one.vm.detach') {
      vm.disks.splice(Number(parameters[1]) - 2, 1);
      return done(id);
    }
    if (!isAction) throw new Error(`The stand-in does not know ${method}`);
    return this.#act(vm, String(parameters[0]));
  }

  #act(vm: Vm, action: string): XmlRpcValue {
    const paths: Readonly<Record<string, Vm['states']>> = {
      resume: [
        [3, 20],
        [3, 3],
      ],
      'poweroff-hard': [
        [3, 18],
        [8, 0],
      ],
      'reboot-hard': [[3, 3]],
      suspend: [
        [3, 6],
        [5, 0],
      ],
      'terminate-hard': [
        [3, 23],
        [6, 0],
      ],
    };
    const path = paths[action];
    if (!path) return fail(codes.action, `[one.vm.action] Wrong state to perform action "${action}".`);
    vm.states = [...path];
    if (action === 'terminate-hard') vm.disks = [];
    return done(vm.id);
  }

  #attach(vm: Vm, { DISK }: Attributes): XmlRpcValue {
    const { IMAGE_ID } = z
      .object({ IMAGE_ID: z.coerce.number() })
      .parse(Array.isArray(DISK) ? DISK[0] : DISK);
    const image = this.images.get(IMAGE_ID);
    if (!image) return fail(codes.unknown, `[one.vm.attach] Error getting image [${IMAGE_ID}].`);
    if (image.persistent !== 1)
      return fail(codes.action, '[one.vm.attach] The volume would lose what is written to it');
    vm.disks.push(IMAGE_ID);
    return done(vm.id);
  }

  #image(method: string, parameters: readonly unknown[]): XmlRpcValue {
    if (method === 'one.imagepool.info')
      return done(
        `<IMAGE_POOL>${[...this.images.values()].map((image) => this.#drawImage(image)).join('')}</IMAGE_POOL>`,
      );
    if (method === 'one.image.allocate') {
      const attributes = readAttributes(parameters[0]);
      return this.#addImage(String(attributes['NAME']), Number(attributes['SIZE']), attributes);
    }
    const image = this.images.get(Number(parameters[0]));
    if (!image) return fail(codes.unknown, `[${method}] Error getting image [${String(parameters[0])}].`);
    if (method === 'one.image.info') return done(this.#drawImage(image));
    if (method === 'one.image.clone')
      return this.#addImage(String(parameters[1]), image.size, { ...image.attributes });
    if (method === 'one.image.update') Object.assign(image.attributes, readAttributes(parameters[1]));
    else if (method === 'one.image.persistent') image.persistent = parameters[1] === true ? 1 : 0;
    else if (method === 'one.image.delete') this.images.delete(image.id);
    else throw new Error(`The stand-in does not know ${method}`);
    return done(image.id);
  }

  #addImage(name: string, size: number, attributes: Attributes): XmlRpcValue {
    const taken = [...this.images.values()].find((image) => image.name === name);
    if (taken)
      return fail(
        codes.allocate,
        `[one.image.allocate] Error allocating a new image. NAME is already taken by IMAGE ${taken.id}.`,
      );
    const id = this.#nextId();
    // LOCKED while it is made, then READY. A clone is not persistent.
    const persistent = attributes['PERSISTENT'] === 'YES' && attributes['NAME'] === name ? 1 : 0;
    this.images.set(id, { id, name, size, persistent, states: [4, 1], attributes });
    return done(id);
  }

  #plain(
    things: Map<number, Plain>,
    {
      verb,
      parameters,
      pool,
      draw,
    }: {
      verb: string | undefined;
      parameters: readonly unknown[];
      pool: string;
      draw: (thing: Plain) => string;
    },
  ): XmlRpcValue {
    if (verb === 'allocate') {
      const attributes = readAttributes(parameters[0]);
      const name = String(attributes['NAME']);
      const taken = [...things.values()].find((thing) => thing.name === name);
      if (taken) return fail(codes.allocate, `NAME is already taken by ${taken.id}.`);
      const id = this.#nextId();
      things.set(id, { id, name, attributes });
      return done(id);
    }
    if (parameters.length === 3) return done(`<${pool}>${[...things.values()].map(draw).join('')}</${pool}>`);
    const thing = things.get(Number(parameters[0]));
    if (!thing) return fail(codes.unknown, `Error getting [${String(parameters[0])}].`);
    if (verb === 'info') return done(draw(thing));
    things.delete(thing.id);
    return done(thing.id);
  }

  /** Each look at it, the machine is one state further. */
  #drawVm(vm: Vm): string {
    const [state, lcm] = (vm.states.length > 1 ? vm.states.shift() : vm.states[0]) ?? [6, 0];
    const { NIC, MEDUSA_OWNER, MEDUSA_RESOURCE, MEDUSA_INCARNATION, MEDUSA_SIZE } = vm.template;
    const user = { MEDUSA_OWNER, MEDUSA_RESOURCE, MEDUSA_INCARNATION, MEDUSA_SIZE };
    const nics = z.array(z.unknown()).parse(NIC ?? []);
    return fill(this.#bodies['vm'] ?? '', {
      ID: vm.id,
      NAME: vm.name,
      STATE: state,
      LCM_STATE: lcm,
      STIME: 1_410_854_434,
      TEMPLATE_ID: 4,
      USER_TEMPLATE: Object.entries(user)
        .map(([name, value]) => element(name, value))
        .join(''),
      NICS: nics.map((_, index) => `<NIC><IP><![CDATA[10.0.0.${vm.id + index}]]></IP></NIC>`).join(''),
      DISKS: vm.disks
        .map(
          (id, index) =>
            `<DISK><DISK_ID><![CDATA[${index + 2}]]></DISK_ID><IMAGE_ID><![CDATA[${id}]]></IMAGE_ID><TARGET><![CDATA[vd${'bcdef'[index] ?? 'z'}]]></TARGET></DISK>`,
        )
        .join(''),
    });
  }

  #drawImage(image: Image): string {
    const state = (image.states.length > 1 ? image.states.shift() : image.states[0]) ?? 1;
    const { MEDUSA_SNAPSHOT_OF: origin } = image.attributes;
    return fill(this.#bodies['image'] ?? '', {
      ...{ ID: image.id, NAME: image.name, PERSISTENT: image.persistent, SIZE: image.size, STATE: state },
      TEMPLATE: origin === undefined ? '' : element('MEDUSA_SNAPSHOT_OF', origin),
    });
  }

  #drawNetwork({ id: ID, name: NAME, attributes }: Plain): string {
    const { VLAN_ID: vlan, MEDUSA_CIDRS: cidrs } = attributes;
    const VLAN_ID = vlan === undefined ? '' : element('VLAN_ID', vlan);
    return fill(this.#bodies['vnet'] ?? '', { ID, NAME, VLAN_ID, TEMPLATE: element('MEDUSA_CIDRS', cidrs) });
  }
}

function drawGroup({ id, name, attributes }: Plain): string {
  const rules = z.array(z.record(z.string(), z.unknown())).parse(attributes['RULE'] ?? []);
  const drawn = rules.map(
    (rule) =>
      `<RULE>${Object.entries(rule)
        .map(([key, value]) => element(key, value))
        .join('')}</RULE>`,
  );
  return `<SECURITY_GROUP><ID>${id}</ID><UID>0</UID><GID>0</GID><UNAME>oneadmin</UNAME><GNAME>oneadmin</GNAME><NAME>${name}</NAME><TEMPLATE>${drawn.join('')}</TEMPLATE></SECURITY_GROUP>`;
}

function done(value: XmlRpcValue): XmlRpcValue {
  return [true, value, 0];
}

function fail(code: number, reason: string): XmlRpcValue {
  return [false, reason, code, -1];
}

function element(name: string, value: unknown): string {
  return `<${name}><![CDATA[${String(value)}]]></${name}>`;
}

function fill(body: string, values: Readonly<Record<string, string | number>>): string {
  return body.replaceAll(/\{([A-Z_]+)\}/g, (_, name: string) => String(values[name] ?? ''));
}

function readAttributes(template: unknown): Attributes {
  const document = readXml(String(template), ['NIC', 'DISK', 'RULE']);
  return z.object({ TEMPLATE: z.record(z.string(), z.unknown()) }).parse(document).TEMPLATE;
}
