import type { Manifest } from '@medusa/protocol';
import { writeXml, type NewElement } from '../../xml/index.ts';
import { manifestShape, type Child, type Shape } from './shape.ts';

/** The namespace of schemas 2.08 and later; documents of the field use others as well. */
const cordsNamespace = 'http://www.compatibleone.fr/schemes/manifest.xsd';

/** The manifest in the one form that we write: manifest.xsd describes it, and parseCords reads the same manifest from it. */
export function renderCords(manifest: Manifest): string {
  const root = element('manifest', manifestShape, manifest);
  return writeXml({ ...root, attributes: { xmlns: cordsNamespace, ...root.attributes } });
}

function element(name: string, { attributes, children }: Shape, value: object): NewElement {
  const values = new Map<string, unknown>(Object.entries(value));
  return {
    name,
    attributes: Object.fromEntries(
      attributes.map(({ key, names: [written], form }) => {
        const told = values.get(key) as string | number | undefined;
        return [written, told === undefined ? undefined : form.write(told)];
      }),
    ),
    children: children.flatMap((child) => childElements(child, values.get(child.key))),
  };
}

function childElements({ names: [name], isMany, shape }: Child, value: unknown): NewElement[] {
  if (value === undefined) return [];
  const items = isMany ? (value as readonly unknown[]) : [value];
  return items.map((item) => (shape ? element(name, shape, item as object) : { name, text: String(item) }));
}
