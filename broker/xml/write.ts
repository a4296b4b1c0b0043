import type { NewElement } from './element.ts';

/** The document in UTF-8, two blanks a level. Characters that XML 1.0 does not know (§2.2) are left out. */
export function writeXml(root: NewElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${render(root, '')}`;
}

function render({ name, attributes = {}, children = [], text }: NewElement, indent: string): string {
  const told = Object.entries(attributes)
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .map(([key, value]) => ` ${key}="${escape(value)}"`)
    .join('');
  const inner = children.filter((child) => child !== undefined);
  if (inner.length > 0)
    return `${indent}<${name}${told}>\n${inner.map((child) => render(child, `${indent}  `)).join('')}${indent}</${name}>\n`;
  if (text !== undefined && text !== '') return `${indent}<${name}${told}>${escape(text)}</${name}>\n`;
  return `${indent}<${name}${told}/>\n`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // In an attribute a reader would take them for blanks.
  '\n': '&#10;',
  '\r': '&#13;',
  '\t': '&#9;',
};
// eslint-disable-next-line no-control-regex -- these are the ones that must not be in a document
const unknownToXml = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

function escape(value: string): string {
  return value.replace(unknownToXml, '').replace(/[&<>"\n\r\t]/g, (character) => entities[character] ?? '');
}
