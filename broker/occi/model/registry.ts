import { identifierOf, type Action, type AnyCategory, type Kind, type Mixin } from './category.ts';

/** All categories of a server: looked up by identifier and by location. */
export type Registry = {
  readonly kinds: readonly Kind[];
  readonly mixins: readonly Mixin[];
  readonly actions: readonly Action[];
  find(identifier: string): AnyCategory | undefined;
  kind(identifier: string): Kind | undefined;
  mixin(identifier: string): Mixin | undefined;
  /** The kind or mixin whose collection is at this path, with slashes at both ends. */
  at(path: string): Kind | Mixin | undefined;
  /** Kinds whose collections are below this path, with slashes at both ends. */
  below(path: string): readonly Kind[];
  /** Whether the category is the other one, or extends or depends on it, over any number of steps. */
  isA(identifier: string, other: string): boolean;
};

/** Later ones never hide earlier ones: what a user defines cannot change what the server has. */
export function createRegistry(kinds: readonly Kind[], mixins: readonly Mixin[]): Registry {
  const owned = [...kinds, ...mixins];
  const actions = distinct(owned.flatMap((category) => category.actions));
  const byId = new Map<string, AnyCategory>();
  const byLocation = new Map<string, Kind | Mixin>();
  for (const category of [...owned, ...actions])
    if (!byId.has(identifierOf(category))) byId.set(identifierOf(category), category);
  for (const category of owned)
    if (category.location !== null && !byLocation.has(category.location))
      byLocation.set(category.location, category);

  const parentsOf = (identifier: string): readonly string[] => {
    const category = byId.get(identifier);
    if (category?.class === 'kind') return category.parent === null ? [] : [category.parent];
    return category?.class === 'mixin' ? category.depends : [];
  };
  const reaches = (identifier: string, other: string, seen: Set<string>): boolean => {
    if (identifier === other) return true;
    if (seen.has(identifier)) return false;
    seen.add(identifier);
    return parentsOf(identifier).some((parent) => reaches(parent, other, seen));
  };

  return {
    ...{ kinds, mixins, actions },
    find: (identifier) => byId.get(identifier),
    kind: (identifier) => ofClass(byId.get(identifier), 'kind'),
    mixin: (identifier) => ofClass(byId.get(identifier), 'mixin'),
    at: (path) => byLocation.get(path),
    below: (path) => kinds.filter(({ location }) => location?.startsWith(path) ?? false),
    isA: (identifier, other) => reaches(identifier, other, new Set()),
  };
}

/** Those with these identifiers, and what they are made of never: a filter asks for exactly what it names. */
export function chosen(registry: Registry, identifiers: readonly string[]): readonly AnyCategory[] {
  const all = [...registry.kinds, ...registry.mixins, ...registry.actions];
  return identifiers.length === 0 ? all : all.filter((one) => identifiers.includes(identifierOf(one)));
}

function ofClass<Class extends AnyCategory['class']>(
  category: AnyCategory | undefined,
  wanted: Class,
): Extract<AnyCategory, { class: Class }> | undefined {
  return category?.class === wanted ? (category as Extract<AnyCategory, { class: Class }>) : undefined;
}

function distinct(actions: readonly Action[]): Action[] {
  return [...new Map(actions.map((action) => [identifierOf(action), action])).values()];
}
