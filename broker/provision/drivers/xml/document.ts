import { XMLParser, type X2jOptions } from 'fast-xml-parser';

/** XML that comes from a provider: no document type, so nothing in it can grow or point elsewhere (OWASP: XXE, billion laughs). */
export function refuseDocumentType(text: string): string {
  if (/<!DOCTYPE/i.test(text)) throw new Error('A document type is not accepted');
  return text;
}

/**
 * Reads a provider's XML into plain objects: elements by name, attributes as `@name`, text beside them as `#text`, everything as
 * text. Elements named in `lists` are arrays even when there is one; an element without content is ''.
 */
export function readXml(text: string, lists: readonly string[] = []): unknown {
  const options: X2jOptions = {
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: true,
    isArray: (name) => lists.includes(name),
  };
  return new XMLParser(options).parse(refuseDocumentType(text)) as unknown;
}
