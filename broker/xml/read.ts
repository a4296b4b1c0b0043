import { SaxesParser, type SaxesAttributeNS, type SaxesTagNS } from 'saxes';
import type { Place, XmlElement, XmlProblem } from './element.ts';

type XmlLimits = {
  readonly characters: number;
  readonly depth: number;
  readonly elements: number;
};

const defaults: XmlLimits = { characters: 2_000_000, depth: 64, elements: 50_000 };

/**
 * Reads a document that a stranger sends (XML 1.0, Namespaces 1.0), each element with the line and column at which it begins. No
 * document type, so that nothing in it can grow or point elsewhere (OWASP: XXE, billion laughs). Never throws.
 */
export function readXml(
  text: string,
  limits: Partial<XmlLimits> = {},
): { readonly ok: true; readonly root: XmlElement } | { readonly ok: false; readonly problem: XmlProblem } {
  const { characters, depth, elements } = { ...defaults, ...limits };
  if (text.length > characters)
    return { ok: false, problem: { line: 1, column: 1, message: `Longer than ${characters} characters` } };
  const parser = new SaxesParser({ xmlns: true, position: true });
  const stack: { element: MutableElement; text: string[] }[] = [];
  let root: MutableElement | undefined;
  let count = 0;
  // Where the tag that is being read began: the parser tells of it when it has read it.
  let start: Place = { line: 1, column: 1 };
  const refuse = (message: string): never => {
    throw new Refusal({ line: parser.line, column: Math.max(1, parser.column), message });
  };

  parser.on('error', ({ message }) => refuse(message.replace(/^\d+:\d+: /, '')));
  parser.on('doctype', () => refuse('A document type is not accepted'));
  parser.on('opentagstart', ({ name }) => {
    start = { line: parser.line, column: Math.max(1, parser.column - name.length - 1) };
  });
  parser.on('opentag', (tag) => {
    count += 1;
    if (stack.length >= depth) refuse(`Deeper than ${depth} elements`);
    if (count > elements) refuse(`More than ${elements} elements`);
    const element = elementOf(tag, start);
    stack.at(-1)?.element.children.push(element);
    root ??= element;
    stack.push({ element, text: [] });
  });
  const hear = (heard: string): void => void stack.at(-1)?.text.push(heard);
  parser.on('text', hear);
  parser.on('cdata', hear);
  parser.on('closetag', () => {
    const closed = stack.pop();
    if (closed) closed.element.text = closed.text.join('').trim();
  });
  try {
    parser.write(text).close();
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, problem: error.problem };
    // The parser's own limits: deep inside it, at the place where it stands.
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, problem: { line: parser.line, column: Math.max(1, parser.column), message } };
  }
  return root
    ? { ok: true, root }
    : { ok: false, problem: { line: 1, column: 1, message: 'There is no element' } };
}

class Refusal extends Error {
  readonly problem: XmlProblem;
  constructor(problem: XmlProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

type MutableElement = Omit<XmlElement, 'children' | 'text'> & { children: MutableElement[]; text: string };

function elementOf({ local, uri, attributes }: SaxesTagNS, at: Place): MutableElement {
  const told = Object.values(attributes).filter((attribute: SaxesAttributeNS) => attribute.uri !== xmlnsUri);
  return {
    name: local,
    namespace: uri,
    attributes: new Map(
      told.map(({ local: name, prefix, value }) => [prefix === '' ? name : `${prefix}:${name}`, value]),
    ),
    children: [],
    text: '',
    ...at,
  };
}

const xmlnsUri = 'http://www.w3.org/2000/xmlns/';
