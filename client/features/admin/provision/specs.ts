import type { ResourceKind, ResourceView } from '@medusa/protocol';

export type ViewOf<Kind extends ResourceKind> = Omit<ResourceView, 'spec'> & {
  readonly spec: Extract<ResourceView['spec'], { kind: Kind }>;
};

/** Those of one kind that are not gone, by name. */
export function ofKind<Kind extends ResourceKind>(
  resources: readonly ResourceView[],
  kind: Kind,
): readonly ViewOf<Kind>[] {
  return resources
    .filter((resource): resource is ResourceView & ViewOf<Kind> => resource.spec.kind === kind)
    .filter(({ phase }) => phase !== 'absent')
    .sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
}
