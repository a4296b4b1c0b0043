import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { serveStandIn } from '../../../support/http-stand-in.ts';
import { decodeCall, encodeResponse, type XmlRpcValue } from '../xml/xml-rpc.ts';

type Record_ = Record<string, XmlRpcValue>;
type Kind =
  'VM' | 'VDI' | 'VBD' | 'VIF' | 'network' | 'VM_guest_metrics' | 'host' | 'PIF' | 'VLAN' | 'console';

class XapiFailure extends Error {
  readonly words: readonly string[];
  constructor(...words: string[]) {
    super(words.join(' '));
    this.words = words;
  }
}

const nullRef = 'OpaqueRef:NULL';
export const template = 'OpaqueRef:debian-12-template';
export const repository = '3b0c1d6e-6f3e-4f0e-9a38-2f3f5a1c7a55';

/** A pool's master as far as the driver speaks with it. */
export class XenServerStandIn implements AsyncDisposable {
  readonly origin: string;
  readonly objects = new Map<Kind, Map<string, Record_>>();
  readonly calls: string[] = [];
  /** Sessions that are still good: emptied, everybody has to log in again. */
  readonly sessions = new Set<string>();
  readonly #server: AsyncDisposable;

  private constructor(origin: string, server: AsyncDisposable, vm: Record_) {
    this.origin = origin;
    this.#server = server;
    this.#put('VM', template, { ...vm, uuid: randomUUID(), name_label: 'Debian 12', is_a_template: true });
    this.#put('VM', 'OpaqueRef:dom0', {
      ...vm,
      name_label: 'Control domain',
      is_control_domain: true,
      power_state: 'Running',
    });
    this.#put('VDI', 'OpaqueRef:template-disk', disk('Debian 12 disk', '8589934592'));
    this.#plug(template, 'OpaqueRef:template-disk', { userdevice: '0', other_config: {} });
    this.#put('host', 'OpaqueRef:host', {
      software_version: { product_version: '8.3.0', product_brand: 'XCP-ng' },
    });
  }

  static async start(): Promise<XenServerStandIn> {
    const file = join(import.meta.dirname, 'recorded/vm.json');
    const vm = JSON.parse(await readFile(file, 'utf8')) as Record_;
    let standIn: XenServerStandIn | undefined = undefined;
    const server = await serveStandIn(({ body }) => ({
      headers: { 'content-type': 'text/xml' },
      body: encodeResponse((standIn as unknown as XenServerStandIn).#reply(body)),
    }));
    standIn = new XenServerStandIn(server.origin, server, vm);
    return standIn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  all(kind: Kind): [string, Record_][] {
    return [...(this.objects.get(kind) ?? [])];
  }

  #reply(body: string): XmlRpcValue {
    const { method, parameters } = decodeCall(body);
    this.calls.push(method);
    try {
      return { Status: 'Success', Value: this.#answer(method, parameters) };
    } catch (error) {
      if (error instanceof XapiFailure) return { Status: 'Failure', ErrorDescription: error.words };
      throw error;
    }
  }

  #answer(method: string, [session, ...parameters]: readonly unknown[]): XmlRpcValue {
    if (method === 'session.login_with_password') {
      if (session !== 'root' || parameters[0] !== 'secret')
        throw new XapiFailure('SESSION_AUTHENTICATION_FAILED', String(session), 'Authentication failure');
      const ref = `OpaqueRef:${randomUUID()}`;
      this.sessions.add(ref);
      return ref;
    }
    if (!this.sessions.has(String(session))) throw new XapiFailure('SESSION_INVALID', String(session));
    const handler = this.#handlers()[method];
    return handler ? handler(parameters) : this.#field(method, parameters);
  }

  /** Getters and setters that every class has. */
  #field(method: string, [given, value]: readonly unknown[]): XmlRpcValue {
    const [kind, verb] = method.split('.') as [Kind, string];
    if (verb === 'get_all_records') return Object.fromEntries(this.all(kind));
    const record = this.#get(kind, String(given));
    if (verb === 'get_record') return record;
    if (verb.startsWith('get_')) return record[verb.slice(4)] ?? '';
    if (!verb.startsWith('set_')) throw new Error(`The stand-in does not know ${method}`);
    record[verb.slice(4)] = value as XmlRpcValue;
    return '';
  }

  #handlers(): Readonly<Record<string, (parameters: readonly unknown[]) => XmlRpcValue>> {
    const of =
      (index: number) =>
      (parameters: readonly unknown[]): string =>
        String(parameters[index]);
    const first = of(0);
    return {
      'session.logout': () => '',
      'SR.get_by_uuid': (given) => `OpaqueRef:sr-${first(given)}`,
      'VM.clone': (given) => this.#clone(first(given), of(1)(given)),
      'VM.add_to_other_config': (given) => {
        const vm = this.#get('VM', first(given));
        vm['other_config'] = { ...(vm['other_config'] as Record_), [of(1)(given)]: of(2)(given) };
        return '';
      },
      'VM.set_memory_limits': () => '',
      'VM.provision': (given) => this.#set('VM', first(given), { is_a_template: false }),
      'VM.start': (given) => this.#power(first(given), { from: ['Halted'], to: 'Running' }),
      'VM.resume': (given) => this.#power(first(given), { from: ['Suspended'], to: 'Running' }),
      'VM.suspend': (given) => this.#power(first(given), { from: ['Running'], to: 'Suspended' }),
      'VM.hard_reboot': (given) => this.#power(first(given), { from: ['Running', 'Paused'], to: 'Running' }),
      'VM.hard_shutdown': (given) =>
        this.#power(first(given), { from: ['Running', 'Paused', 'Suspended'], to: 'Halted' }),
      'VM.destroy': (given) => this.#drop('VM', first(given)),
      'VM.get_allowed_VBD_devices': () => ['1', '2', '3'],
      'VIF.create': (given) => {
        this.#get('network', (given[0] as { network: string }).network);
        return this.#create('VIF', given[0]);
      },
      'VDI.create': (given) => this.#create('VDI', { ...disk('', '0'), ...(given[0] as Record_) }),
      'VDI.clone': (given) =>
        this.#create('VDI', {
          ...this.#get('VDI', first(given)),
          ...{ uuid: randomUUID(), VBDs: [], is_a_snapshot: false, snapshot_of: nullRef },
        }),
      'VDI.snapshot': (given) =>
        this.#create('VDI', {
          ...this.#get('VDI', first(given)),
          ...{ uuid: randomUUID(), VBDs: [], is_a_snapshot: true, snapshot_of: first(given) },
        }),
      'VDI.destroy': (given) => this.#dropDisk(first(given)),
      'VBD.create': (given) => {
        const record = given[0] as Record_ & { VM: string; VDI: string };
        return this.#plug(record.VM, record.VDI, record);
      },
      'VBD.plug': (given) => this.#set('VBD', first(given), { currently_attached: true, device: 'xvdb' }),
      'VBD.unplug': (given) => this.#set('VBD', first(given), { currently_attached: false }),
      'VBD.destroy': (given) => this.#unplug(first(given)),
      'network.create': (given) => this.#create('network', { ...(given[0] as Record_), PIFs: [] }),
      'network.destroy': (given) => this.#drop('network', first(given)),
      'pool.create_VLAN': (given) => {
        const pif = this.#create('PIF', {});
        const vlan = this.#create('VLAN', { tag: of(2)(given), untagged_PIF: pif });
        this.#set('PIF', pif, { VLAN_master_of: vlan });
        this.#set('network', of(1)(given), { PIFs: [pif] });
        return [pif];
      },
      'VLAN.destroy': (given) => this.#drop('VLAN', first(given)),
    };
  }

  #clone(ref: string, name: string): string {
    const origin = this.#get('VM', ref);
    if (origin['power_state'] !== 'Halted')
      throw new XapiFailure('VM_BAD_POWER_STATE', ref, 'halted', 'running');
    const vm = this.#create('VM', { ...origin, uuid: randomUUID(), name_label: name, VBDs: [] });
    const copy = this.#create('VDI', {
      ...this.#get('VDI', 'OpaqueRef:template-disk'),
      uuid: randomUUID(),
      VBDs: [],
    });
    this.#plug(vm, copy, { userdevice: '0', other_config: {} });
    return vm;
  }

  #power(ref: string, { from, to }: { from: readonly string[]; to: string }): string {
    const state = this.#get('VM', ref)['power_state'] as string;
    if (!from.includes(state)) throw new XapiFailure('VM_BAD_POWER_STATE', ref, from[0] ?? '', state);
    const consoles =
      to === 'Running' ? [this.#create('console', { location: `${this.origin}/console?ref=${ref}` })] : [];
    const metrics =
      to === 'Running'
        ? this.#create('VM_guest_metrics', { networks: { '0/ip': '10.0.0.7', '0/ipv4/0': '10.0.0.7' } })
        : nullRef;
    return this.#set('VM', ref, { power_state: to, consoles, guest_metrics: metrics });
  }

  #plug(vm: string, vdi: string, more: Record_): string {
    const inUse = (this.#get('VDI', vdi)['VBDs'] as string[]).length > 0;
    if (inUse) throw new XapiFailure('VDI_IN_USE', vdi, 'attach');
    const vbd = this.#create('VBD', {
      type: 'Disk',
      device: '',
      currently_attached: false,
      ...more,
      VM: vm,
      VDI: vdi,
    });
    this.#set('VDI', vdi, { VBDs: [vbd] });
    this.#set('VM', vm, { VBDs: [...(this.#get('VM', vm)['VBDs'] as string[]), vbd] });
    return vbd;
  }

  #unplug(vbd: string): string {
    const { VM, VDI } = z.object({ VM: z.string(), VDI: z.string() }).parse(this.#get('VBD', vbd));
    const vm = this.objects.get('VM')?.get(VM);
    if (vm) vm['VBDs'] = (vm['VBDs'] as string[]).filter((ref) => ref !== vbd);
    this.#set('VDI', VDI, { VBDs: [] });
    return this.#drop('VBD', vbd);
  }

  #dropDisk(ref: string): string {
    for (const vbd of this.#get('VDI', ref)['VBDs'] as string[]) {
      if (this.#get('VBD', vbd)['currently_attached'] === true)
        throw new XapiFailure('VDI_IN_USE', ref, 'destroy');
      this.#unplug(vbd);
    }
    return this.#drop('VDI', ref);
  }

  #create(kind: Kind, record: unknown): string {
    const ref = `OpaqueRef:${randomUUID()}`;
    this.#put(kind, ref, { uuid: randomUUID(), ...(record as Record_) });
    return ref;
  }

  #put(kind: Kind, ref: string, record: Record_): void {
    const things = this.objects.get(kind) ?? new Map<string, Record_>();
    things.set(ref, structuredClone(record));
    this.objects.set(kind, things);
  }

  #get(kind: Kind, ref: string): Record_ {
    const record = this.objects.get(kind)?.get(ref);
    if (!record) throw new XapiFailure('HANDLE_INVALID', kind, ref);
    return record;
  }

  #set(kind: Kind, ref: string, change: Record_): string {
    Object.assign(this.#get(kind, ref), change);
    return '';
  }

  #drop(kind: Kind, ref: string): string {
    if (kind === 'VM') for (const vbd of this.#get('VM', ref)['VBDs'] as string[]) this.#unplug(vbd);
    this.#get(kind, ref);
    this.objects.get(kind)?.delete(ref);
    return '';
  }
}

function disk(name: string, size: string): Record_ {
  return {
    ...{ uuid: randomUUID(), name_label: name, virtual_size: size, VBDs: [] },
    ...{ is_a_snapshot: false, snapshot_of: nullRef, other_config: {} },
  };
}
