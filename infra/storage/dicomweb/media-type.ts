import type { Request } from 'express';

/** One media range of an Accept header or parameter (RFC 9110 §12.5.1), with what PS3.18 §8.7 adds to it. */
export type MediaRange = {
  /** E.g. `application/dicom`; of `multipart/related` the type of its parts. */
  readonly type: string;
  readonly isMultipart: boolean;
  readonly transferSyntax: string | undefined;
  readonly quality: number;
};

/** A viewer asks for hundreds of frames with the same words. */
const known = new Map<string, readonly MediaRange[]>();
const mostKnown = 100;
const longestKnown = 1_024;

/** Best first. Without any, everything is acceptable. */
export function acceptedRanges(req: Request): readonly MediaRange[] {
  const parameter = req.query['accept'];
  const header = typeof parameter === 'string' && parameter ? parameter : req.get('accept');
  if (!header) return [{ type: '*/*', isMultipart: true, transferSyntax: undefined, quality: 1 }];
  const ranges = known.get(header) ?? parseRanges(header);
  if (known.size >= mostKnown) known.clear();
  if (header.length <= longestKnown) known.set(header, ranges);
  return ranges;
}

function parseRanges(header: string): readonly MediaRange[] {
  return splitOutsideQuotes(header, ',')
    .map((text) => parseRange(text))
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality);
}

export function parseMediaType(text: string): { type: string; parameters: ReadonlyMap<string, string> } {
  const [type = '', ...rest] = splitOutsideQuotes(text, ';');
  const parameters = new Map(
    rest.map((part) => {
      const equals = part.indexOf('=');
      const value = part.slice(equals + 1).trim();
      return [part.slice(0, Math.max(0, equals)).trim().toLowerCase(), value.replace(/^"(.*)"$/, '$1')];
    }),
  );
  return { type: type.trim().toLowerCase(), parameters };
}

function parseRange(text: string): MediaRange {
  const { type, parameters } = parseMediaType(text);
  const isMultipart = type === 'multipart/related';
  const quality = Number(parameters.get('q') ?? '1');
  return {
    type: isMultipart ? (parameters.get('type') ?? '*/*').toLowerCase() : type,
    // A range for anything is answered with what the resource has of its own, and that is multipart.
    isMultipart: isMultipart || type === '*/*' || type === 'multipart/*',
    transferSyntax: parameters.get('transfer-syntax'),
    quality: Number.isFinite(quality) ? quality : 0,
  };
}

export function fits(range: MediaRange, mediaType: string): boolean {
  if (range.type === '*/*' || range.type === mediaType || range.type === 'multipart/*') return true;
  return range.type.endsWith('/*') && mediaType.startsWith(range.type.slice(0, -1));
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let part = '';
  let isQuoted = false;
  for (const character of text) {
    if (character === '"') isQuoted = !isQuoted;
    if (character === separator && !isQuoted) {
      parts.push(part);
      part = '';
    } else part += character;
  }
  return [...parts, part];
}
