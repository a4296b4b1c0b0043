import { createHash } from 'node:crypto';
import { Agent } from 'node:https';
import { EC2, type Filter, type TagSpecification } from '@aws-sdk/client-ec2';
import type { z } from 'zod';
import { isProviderFault, ProviderError, type OwnerTag } from '../../port/index.ts';
import { faultOf } from './faults.ts';
import type { Credentials, Settings } from './settings.ts';

type Call<Answer> = (ec2: EC2, options: { abortSignal: AbortSignal }) => Promise<Answer>;

/** The official client, failing as `ProviderError`. It never tries again by itself: the engine decides that. */
export type Ec2 = Disposable & {
  read<Answer>(call: Call<Answer>, signal: AbortSignal): Promise<Answer>;
  change<Answer>(call: Call<Answer>, signal: AbortSignal): Promise<Answer>;
};

const connectMs = 10_000;
const answerMs = 60_000;

/** Everything the SDK would otherwise look for in the environment, in files or at a metadata service is told. */
export function openEc2(settings: Settings, credentials: Credentials): Ec2 {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const endpoint = settings.endpoint ?? `https://ec2.${settings.region}.amazonaws.com`;
  const ec2 = new EC2({
    region: settings.region,
    endpoint,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    maxAttempts: 1,
    retryMode: 'standard',
    defaultsMode: 'standard',
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    requestHandler: {
      connectionTimeout: connectMs,
      requestTimeout: answerMs,
      throwOnRequestTimeout: true,
      ...(endpoint.startsWith('https:') && {
        httpsAgent: new Agent({
          keepAlive: true,
          maxSockets: 16,
          ...(settings.ca === undefined ? {} : { ca: settings.ca }),
        }),
      }),
    },
  });
  const call = async <Answer>(
    made: Call<Answer>,
    signal: AbortSignal,
    isChange: boolean,
  ): Promise<Answer> => {
    signal.throwIfAborted();
    try {
      return await made(ec2, { abortSignal: signal });
    } catch (error) {
      throw faultOf(error, isChange);
    }
  };
  return {
    read: async (made, signal) => call(made, signal, false),
    change: async (made, signal) => call(made, signal, true),
    [Symbol.dispose]: () => ec2.destroy(),
  };
}

/** Only what we use is looked at. */
export function parsed<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.infer<Schema> {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  const where = result.error.issues[0]?.path.join('.') ?? '';
  throw new ProviderError('transient', `The provider's answer is not understood at ${where}`);
}

/** All pages, each thing once: a page may repeat what an earlier one had when things come and go in between. */
export async function allPages<Thing>(
  page: (token: {
    NextToken?: string;
  }) => Promise<{ things: readonly Thing[]; NextToken?: string | undefined }>,
  refOf: (thing: Thing) => string,
): Promise<Thing[]> {
  const found = new Map<string, Thing>();
  let next: string | undefined;
  do {
    const { things, NextToken } = await page(next ? { NextToken: next } : {});
    for (const thing of things) found.set(refOf(thing), thing);
    next = NextToken;
  } while (next);
  return [...found.values()];
}

/** `ClientToken`: at most 64 ASCII characters, case-sensitive (EC2 API Reference, "Ensuring idempotency"). */
export const clientToken = (id: string): string => createHash('sha256').update(id).digest('hex');

const ownerKey = 'medusa-owner';
const resourceKey = 'medusa-resource';
const incarnationKey = 'medusa-incarnation';

export type TaggedType = NonNullable<TagSpecification['ResourceType']>;

/** In the create call itself, so that nothing is ever there unmarked. */
export function tagsOf(
  type: TaggedType,
  { owner, resource, incarnation }: OwnerTag,
  name: string,
): TagSpecification[] {
  const tags = {
    Name: name,
    [ownerKey]: owner,
    [resourceKey]: resource,
    [incarnationKey]: String(incarnation),
  };
  return [{ ResourceType: type, Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }];
}

/** undefined: it is none of ours. */
export function readTags(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined,
): { tag: OwnerTag; name: string } | undefined {
  const of = (key: string): string | undefined => tags?.find(({ Key }) => Key === key)?.Value;
  const [owner, resource, incarnation] = [of(ownerKey), of(resourceKey), of(incarnationKey)];
  if (owner === undefined || resource === undefined || !/^\d+$/.test(incarnation ?? '')) return undefined;
  return { tag: { owner, resource, incarnation: Number(incarnation) }, name: of('Name') ?? '' };
}

export const ownedBy = (owner: string): Filter[] => [{ Name: `tag:${ownerKey}`, Values: [owner] }];

export const taggedAs = ({ owner, resource, incarnation }: OwnerTag): Filter[] => [
  { Name: `tag:${ownerKey}`, Values: [owner] },
  { Name: `tag:${resourceKey}`, Values: [resource] },
  { Name: `tag:${incarnationKey}`, Values: [String(incarnation)] },
];

export async function unlessNotFound<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isProviderFault(error, 'not-found')) return undefined;
    throw error;
  }
}

/** EC2 tells of what is not there by leaving it out or by an empty word. */
export const isGiven = (word: string | undefined): word is string => word !== undefined && word !== '';
