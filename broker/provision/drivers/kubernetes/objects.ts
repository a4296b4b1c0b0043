import type { z } from 'zod';
import {
  isProviderFault,
  ProviderError,
  type Item,
  type Operation,
  type OwnerTag,
} from '../../port/index.ts';
import { isSameTag, tagOf, type metadataSchema } from './labels.ts';

type Thing = { metadata: z.infer<typeof metadataSchema> };

/** The calls for one kind of object in our namespace. Answers are parsed. */
export type ObjectCalls<Object_ extends Thing> = {
  read(name: string, signal: AbortSignal): Promise<Object_>;
  delete(name: string, uid: string, signal: AbortSignal): Promise<unknown>;
};

export async function readOurs<Object_ extends Thing>(
  calls: ObjectCalls<Object_>,
  name: string,
  signal: AbortSignal,
): Promise<Object_ | undefined> {
  try {
    const object = await calls.read(name, signal);
    return tagOf(object.metadata.labels) && object;
  } catch (error) {
    if (isProviderFault(error, 'not-found')) return undefined;
    throw error;
  }
}

/** Creates, or answers what is there under this name when it carries this very tag: names of a namespace are unique. */
export async function createOnce<Object_ extends Thing>(
  create: () => Promise<Object_>,
  calls: ObjectCalls<Object_>,
  { tag, name, operation }: { tag: OwnerTag; name: string; operation: Operation },
): Promise<{ object: Object_; isNew: boolean }> {
  try {
    return { object: await create(), isNew: true };
  } catch (error) {
    if (!isProviderFault(error, 'conflict')) throw error;
    const there = await readOurs(calls, name, operation.signal);
    if (!there || !isSameTag(tagOf(there.metadata.labels), tag) || there.metadata.deletionTimestamp)
      throw new ProviderError('conflict', `AlreadyExists: ${name} is taken`, { cause: error });
    return { object: there, isNew: false };
  }
}

/** By its uid: whatever has taken the name since is left alone. What is not ours is not touched. */
export async function deleteOurs<Object_ extends Thing>(
  calls: ObjectCalls<Object_>,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const there = await readOurs(calls, name, signal);
  if (!there) return;
  try {
    await calls.delete(name, there.metadata.uid, signal);
  } catch (error) {
    if (!isProviderFault(error, 'not-found', 'conflict')) throw error;
  }
}

/** The common part of an item. An object that is being deleted is `stopping`, whatever else it says. */
export function itemOf(
  { metadata }: Thing,
  { state, detail }: Pick<Item, 'state' | 'detail'>,
): Item | undefined {
  const tag = tagOf(metadata.labels);
  if (!tag) return undefined;
  const life = metadata.deletionTimestamp
    ? ({ state: 'stopping', detail: `Terminating: ${detail}` } as const)
    : { state, detail };
  return {
    ref: metadata.name,
    name: metadata.name,
    tag,
    ...life,
    createdAt: metadata.creationTimestamp ?? null,
  };
}
