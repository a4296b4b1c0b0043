import type { Place, XmlElement, XmlProblem } from '../../xml/index.ts';

/** Remembers which element each object was read from, so that what a schema finds wrong is told with its line and column. */
export type Places = {
  note<Value extends object>(value: Value, element: XmlElement): Value;
  /** Where a path through `document` leads: the deepest object on it that was read from an element. */
  find(document: unknown, path: readonly PropertyKey[]): Place;
  problem(element: XmlElement, message: string): void;
  readonly problems: readonly XmlProblem[];
};

export function createPlaces(root: XmlElement): Places {
  const places = new WeakMap<object, Place>();
  const problems: XmlProblem[] = [];
  return {
    problems,
    note(value, { line, column }) {
      places.set(value, { line, column });
      return value;
    },
    find(document, path) {
      let place: Place = { line: root.line, column: root.column };
      let value: unknown = document;
      for (const key of [...path, '']) {
        if (typeof value !== 'object' || value === null) break;
        place = places.get(value) ?? place;
        value = Object.hasOwn(value, key) ? (value as Record<PropertyKey, unknown>)[key] : undefined;
      }
      return place;
    },
    problem({ line, column }, message) {
      problems.push({ line, column, message });
    },
  };
}
