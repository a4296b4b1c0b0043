import type { NodeId } from '@medusa/protocol';

/** By zone and storage node: the origin at which the zone's nodes reach it, where that is not its own address (a tunnel, a gateway). */
export type StorageRoutes = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The DICOMweb address of a storage node as a zone's nodes reach it. */
export function routeTo(
  { nodeId, baseUrl }: { readonly nodeId: NodeId; readonly baseUrl: string },
  zone: string,
  routes: StorageRoutes,
): string {
  const origin = routes[zone]?.[nodeId];
  if (origin === undefined) return baseUrl;
  const { pathname, search } = new URL(baseUrl);
  return new URL(`${pathname}${search}`, origin).href;
}
