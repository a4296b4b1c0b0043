import {
  machineSpecSchema,
  type DeploymentPlan,
  type DeploymentWish,
  type ProviderId,
  type ResourceId,
  type ResourceSpec,
  type ServiceId,
  type ServiceState,
  type ServiceStep,
} from '@medusa/protocol';
import type { Claim, WorkStore } from '../provision/index.ts';

/** What is known of one part: the rest is asked of provisioning. Times are ms since the epoch. */
export type Part = {
  /** Written before it is asked for: after a crash it tells that the asking may have been done. */
  readonly askedAt: number;
  /** False: it was there already, and is another's to destroy. */
  readonly isOurs: boolean;
  readonly readyAt: number | null;
  readonly leavingAt: number | null;
  readonly isGone: boolean;
};

/** A service as it is stored. */
export type ServiceRecord = {
  readonly id: ServiceId;
  readonly provider: ProviderId;
  readonly agreement: string | null;
  readonly readySeconds: number;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly plan: DeploymentPlan;
  /** Image and size of each machine of the plan. */
  readonly chosen: Readonly<Record<string, { readonly image: string; readonly size: string }>>;
  readonly state: ServiceState;
  readonly since: number;
  readonly parts: Readonly<Record<string, Part>>;
  /** What each machine is told when it starts, by resource id. */
  readonly guests: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly steps: readonly ServiceStep[];
  /** What is waited for, in words. */
  readonly waitsFor: string;
};

export type ServiceClaim = Claim<'service'>;

/** Changes a record as it is now; throwing writes nothing. */
type ChangeService = (record: ServiceRecord) => ServiceRecord;

/** Where services are kept. Several brokers share the work: a service is worked on under a claim. */
export interface ServiceStore extends Pick<WorkStore<'service'>, 'claim' | 'release'> {
  /** False when its id, or the id of a thing that is its own, belongs to another service. */
  insert(record: ServiceRecord): Promise<boolean>;
  list(): Promise<readonly ServiceRecord[]>;
  find(id: ServiceId): Promise<ServiceRecord | undefined>;
  /** Reads, changes and writes as one, and makes it due. Throws `service.unknown`. */
  change(id: ServiceId, change: ChangeService): Promise<ServiceRecord>;
  /** The same for who holds the claim; throws `ClaimLost` when it is void. */
  write(claim: ServiceClaim, change: ChangeService): Promise<ServiceRecord>;
  /** Which of these things other services count on. */
  usedByOthers(id: ServiceId, resources: readonly ResourceId[]): Promise<readonly string[]>;
  /** The services that run, or are being made, of which a machine of that id is a part. */
  servicesOf(machine: string): Promise<readonly ServiceId[]>;
  /** What the machine of that id is told when it starts: {} when it is no service's. */
  guestEnvironment(machine: ResourceId): Promise<Readonly<Record<string, string>>>;
}

/** All that is wanted, in order. */
export function wishesOf({ plan }: Pick<ServiceRecord, 'plan'>): readonly DeploymentWish[] {
  return plan.nodes.flatMap(({ wishes }) => wishes);
}

/** Things that go with the service; all others are shared: they may be there already, and stay. */
export function ownIdsOf({ plan }: Pick<ServiceRecord, 'plan'>): ReadonlySet<string> {
  return new Set(plan.release.flatMap(({ resources }) => resources));
}

/** As provisioning takes it. */
export function specOf({ chosen }: ServiceRecord, { id, spec }: DeploymentWish): ResourceSpec {
  if (spec.kind !== 'machine') return spec;
  const choice = chosen[id];
  if (!choice) throw new Error(`Nothing was chosen for ${id}`);
  return machineSpecSchema.strip().parse({ ...spec, ...choice });
}

const mostSteps = 500;

/** With more steps at its end; the oldest ones are forgotten. */
export function withSteps(record: ServiceRecord, steps: readonly ServiceStep[]): ServiceRecord {
  return steps.length === 0 ? record : { ...record, steps: [...record.steps, ...steps].slice(-mostSteps) };
}
