import type { Candidate, Gpu, GpuCondition, PlacementNeed } from './candidate.ts';

/** Why a node is out of the question; the first reason that applies, cheapest first. */
export type Obstacle =
  | 'state'
  | 'link'
  | 'application'
  | 'access'
  | 'relay'
  | 'architecture'
  | 'encoder'
  | 'gpu'
  | 'jurisdiction'
  | 'zone'
  | 'provider'
  | 'security'
  | 'price'
  | 'slots';

/** Runs for every node of every decision: it makes no object. */
export function findObstacle(need: PlacementNeed, candidate: Candidate): Obstacle | undefined {
  if (candidate.state !== 'ready') return 'state';
  if (!candidate.hasLink) return 'link';
  if (!candidate.applications.includes(need.applicationId)) return 'application';
  return (
    findPart(need, candidate) ??
    findHardware(need, candidate) ??
    findPlace(need, candidate) ??
    findRoom(need, candidate)
  );
}

function findPart({ part }: PlacementNeed, { isPrivate, takesRelay }: Candidate): Obstacle | undefined {
  if (isPrivate === true && part !== 'reader') return 'access';
  return part !== undefined && takesRelay !== true ? 'relay' : undefined;
}

function findHardware(need: PlacementNeed, { architecture, encoders, gpu }: Candidate): Obstacle | undefined {
  if (need.architectures && !need.architectures.includes(architecture)) return 'architecture';
  if (need.encoders && !hasAny(need.encoders, encoders)) return 'encoder';
  if (need.gpu && need.gpu.length > 0 && !(gpu && meetsAll(need.gpu, gpu))) return 'gpu';
  return undefined;
}

/** What is not known of a place is not promised: where a demand is made, the unknown is refused. */
function findPlace(need: PlacementNeed, candidate: Candidate): Obstacle | undefined {
  const { jurisdictions, zones, providers, security } = need;
  if (jurisdictions && !(candidate.jurisdiction !== null && jurisdictions.includes(candidate.jurisdiction)))
    return 'jurisdiction';
  if (zones && !zones.includes(candidate.zone)) return 'zone';
  if (providers && !providers.includes(candidate.provider)) return 'provider';
  if (security && !hasAll(candidate.security, security)) return 'security';
  return undefined;
}

function findRoom({ mostPricePerHour }: PlacementNeed, candidate: Candidate): Obstacle | undefined {
  const { pricePerHour, usedSlots, slots } = candidate;
  if (mostPricePerHour !== undefined && !(pricePerHour !== null && pricePerHour <= mostPricePerHour))
    return 'price';
  return usedSlots >= slots ? 'slots' : undefined;
}

function hasAny(wanted: readonly string[], there: readonly string[]): boolean {
  for (const one of there) if (wanted.includes(one)) return true;
  return false;
}

function hasAll(there: readonly string[], wanted: readonly string[]): boolean {
  for (const one of wanted) if (!there.includes(one)) return false;
  return true;
}

function meetsAll(conditions: readonly GpuCondition[], gpu: Gpu): boolean {
  for (const condition of conditions) {
    const value = gpu[condition.attribute];
    if ('atLeast' in condition ? !(Number(value) >= condition.atLeast) : value !== condition.equals)
      return false;
  }
  return true;
}

/** The obstacle in words, to follow the node's name. */
export function describeObstacle(obstacle: Obstacle, candidate: Candidate): string {
  return words[obstacle](candidate);
}

const words: Readonly<Record<Obstacle, (candidate: Candidate) => string>> = {
  state: ({ state }) => `is ${state}`,
  link: () => 'has no link to the broker',
  application: () => 'does not have the application',
  access: () => 'is not open to people, it only reads for others',
  relay: () => 'cannot run a part of a session',
  architecture: ({ architecture }) =>
    `has ${architecture} processors, for which the application is not built`,
  encoder: () => 'has none of the encoders asked for',
  gpu: ({ gpu }) => (gpu ? `has a ${gpu.model}, which is not as asked for` : 'has no GPU'),
  jurisdiction: ({ jurisdiction }) =>
    jurisdiction === null
      ? 'stands where it is not known whose law holds'
      : `stands under the law of ${jurisdiction}`,
  zone: ({ zone }) => `is in zone ${zone}, not in one asked for`,
  provider: ({ provider }) => `is of ${provider}, not of a provider asked for`,
  security: ({ zone }) => `is in zone ${zone}, which is not certified as asked for`,
  price: ({ pricePerHour }) =>
    pricePerHour === null ? 'has a price that is not known' : `costs ${pricePerHour} an hour`,
  slots: ({ slots }) => `all ${slots} slots are taken`,
};
