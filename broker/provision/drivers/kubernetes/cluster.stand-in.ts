import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';

export type Json = Record<string, unknown>;
type Metadata = Json & {
  name: string;
  uid: string;
  resourceVersion: string;
  labels?: Record<string, string>;
  ownerReferences?: { uid: string }[];
  deletionTimestamp?: string;
};
export type Stored = Json & { metadata: Metadata; spec?: Json; status?: Json };
type Status = { status: number; body: Json };

export const answers = JSON.parse(
  readFileSync(path.join(import.meta.dirname, 'recorded/answers.json'), 'utf8'),
) as Record<string, Json & { status: Json; items: Json[] }> & { errors: Record<string, Status> };

export class StatusError extends Error {
  readonly status: number;
  readonly body: Json;

  /** A recorded refusal, with the name that it is about. */
  constructor(kind: string, recordedName = '', name = '') {
    super(kind);
    const { status, body } = answers.errors[kind] ?? { status: 500, body: {} };
    this.status = status;
    this.body = JSON.parse(JSON.stringify(body).replaceAll(recordedName || '\0', name)) as Json;
  }
}

export type Plural = 'pods' | 'secrets' | 'persistentvolumeclaims' | 'networkpolicies' | 'volumesnapshots';
export type WatchEvent = { readonly type: string; readonly object: Stored; readonly version: number };

/** The objects of one namespace, and what controllers, scheduler and kubelet do with them, in their time. */
export class StandInCluster {
  readonly objects: Record<Plural, Map<string, Stored>> = {
    pods: new Map(),
    secrets: new Map(),
    persistentvolumeclaims: new Map(),
    networkpolicies: new Map(),
    volumesnapshots: new Map(),
  };
  readonly events: WatchEvent[] = [];
  readonly onEvent = new Set<(event: WatchEvent) => void>();
  readonly stepMs: number;
  /** Of the two nodes together. */
  gpus = 4;
  #version = 100;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(stepMs: number) {
    this.stepMs = stepMs;
  }

  get version(): number {
    return this.#version;
  }

  get(plural: Plural, name: string): Stored {
    const object = this.objects[plural].get(name);
    if (!object) throw new StatusError('not found', 'none', name);
    return object;
  }

  create(plural: Plural, given: Stored): Stored {
    const { name } = given.metadata;
    if (this.objects[plural].has(name))
      throw new StatusError('already exists', 'medusa-rec-mac-node-1-1', name);
    const object: Stored = {
      ...given,
      metadata: {
        ...given.metadata,
        namespace: 'medusa',
        uid: randomUUID(),
        resourceVersion: '',
        // Whole seconds, as the API tells times.
        creationTimestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      },
    };
    this.objects[plural].set(name, object);
    this.#begin(plural, object);
    this.touch(plural, object, 'ADDED');
    return object;
  }

  delete(plural: Plural, name: string, uid: string | undefined): Stored {
    const object = this.get(plural, name);
    if (uid !== undefined && uid !== object.metadata.uid) throw new StatusError('precondition failed');
    if (plural === 'secrets' || plural === 'networkpolicies') this.#remove(plural, object);
    else if (object.metadata.deletionTimestamp === undefined) {
      object.metadata.deletionTimestamp = new Date(Date.now() + 30_000).toISOString();
      this.touch(plural, object, 'MODIFIED');
      this.#later(() => this.#remove(plural, object));
    }
    return object;
  }

  touch(plural: Plural, object: Stored, type: string): void {
    this.#version += 1;
    object.metadata.resourceVersion = String(this.#version);
    if (plural !== 'pods') return;
    const event = { type, object: structuredClone(object), version: this.#version };
    this.events.push(event);
    for (const listener of this.onEvent) listener(event);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #later(act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, this.stepMs);
    this.#timers.add(timer);
  }

  #remove(plural: Plural, object: Stored): void {
    this.objects[plural].delete(object.metadata.name);
    this.touch(plural, object, 'DELETED');
    if (plural !== 'pods') return;
    // The garbage collector: what belongs to it goes with it.
    for (const secret of this.objects.secrets.values())
      if (secret.metadata.ownerReferences?.some(({ uid }) => uid === object.metadata.uid))
        this.#remove('secrets', secret);
  }

  #begin(plural: Plural, object: Stored): void {
    if (plural === 'pods') {
      object.status = structuredClone(answers['pod created']?.status ?? {});
      this.#later(() => this.#runPod(object));
    }
    if (plural === 'persistentvolumeclaims') {
      object.status = structuredClone(answers['claim created']?.status ?? {});
      this.#later(() => (object.status = structuredClone(answers['claim bound']?.status ?? {})));
    }
    if (plural === 'volumesnapshots') {
      object.status = { readyToUse: false };
      this.#later(() => (object.status = { readyToUse: true, restoreSize: '1Gi' }));
    }
  }

  /** Again and again until it runs or is gone: as the scheduler and the kubelet do. */
  #runPod(pod: Stored): void {
    if (this.objects.pods.get(pod.metadata.name) !== pod || pod.metadata.deletionTimestamp) return;
    const before = JSON.stringify(pod.status);
    const word = this.#whatComes(pod);
    pod.status = structuredClone(answers[word]?.status ?? {});
    if (JSON.stringify(pod.status) !== before) this.touch('pods', pod, 'MODIFIED');
    if (word !== 'pod running') this.#later(() => this.#runPod(pod));
  }

  #whatComes(pod: Stored): string {
    const spec = pod.spec as {
      nodeName?: string;
      containers: { envFrom: { secretRef: { name: string } }[] }[];
    };
    if (spec.nodeName === undefined) {
      const taken = [...this.objects.pods.values()].filter((one) => one.spec?.['nodeName'] !== undefined);
      const used = taken.reduce((sum, one) => sum + gpusOf(one), 0);
      if (used + gpusOf(pod) > this.gpus) return 'pod unschedulable';
      spec.nodeName = 'hollow-1';
    }
    const secret = spec.containers[0]?.envFrom[0]?.secretRef.name ?? '';
    return this.objects.secrets.has(secret) ? 'pod running' : 'pod without its secret';
  }
}

function gpusOf({ spec }: Stored): number {
  const { containers } = spec as { containers: { resources?: { requests?: Record<string, string> } }[] };
  return Number(containers[0]?.resources?.requests?.['nvidia.com/gpu'] ?? 0);
}
