import type { XmlElement } from '../../xml/index.ts';

/** The one that is written (GFD.192). */
export const wsagNamespace = 'http://schemas.ggf.org/graap/2007/03/ws-agreement';
/** Of early implementations; read as if it were the one of 2007. */
export const olderWsagNamespace = 'http://www.ggf.org/namespaces/ws-agreement';
/** What WS-Agreement leaves to its domain: a manifest's name, placement, how figures are judged. */
export const medusaNamespace = 'urn:medusa:agreement';
export const schemaNamespace = 'http://www.w3.org/2001/XMLSchema';

/** By its local name: some write attributes with the prefix of the standard, some without. */
export function attributeOf(
  element: XmlElement | undefined,
  ...names: readonly string[]
): string | undefined {
  for (const wanted of names)
    for (const [key, value] of element?.attributes ?? [])
      if (key.slice(key.indexOf(':') + 1) === wanted) return value;
  return undefined;
}

export function childrenOf(
  element: XmlElement | undefined,
  ...names: readonly string[]
): readonly XmlElement[] {
  return element?.children.filter(({ name }) => names.includes(name)) ?? [];
}

export function childOf(
  element: XmlElement | undefined,
  ...names: readonly string[]
): XmlElement | undefined {
  return childrenOf(element, ...names)[0];
}

export function textOf(element: XmlElement | undefined): string | undefined {
  return element?.text === '' ? undefined : element?.text;
}

/** Not a number: left to the schema to refuse. */
export function integerOf(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text.trim()) ? Number(text) : text;
}
