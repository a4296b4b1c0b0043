import { emptyPayload, type OcciBody, type OcciPayload, type Place } from './payload.ts';
import { parseJson } from './json-parse.ts';
import { jsonOf } from './json-render.ts';
import type { MediaType } from './media-type.ts';
import { parseTextOcci, parseTextPlain } from './text-parse.ts';
import { textFieldsOf, uriListOf, type TextField } from './text-render.ts';

export { chooseMediaType, mediaTypeOf, mediaTypes, type MediaType } from './media-type.ts';
export {
  emptyPayload,
  type CategoryRendering,
  type OcciBody,
  type OcciPayload,
  type Place,
} from './payload.ts';

/** Headers as Node has them raw: names and values in turn, repeated ones each for itself. */
type Sent = { readonly body: string; readonly rawHeaders: readonly string[] };

/** What a request carries. Throws `request.malformed` and where the fault is, and nothing else. */
export function parsePayload(type: MediaType, { body, rawHeaders }: Sent): OcciPayload {
  switch (type) {
    case 'text/plain':
      return parseTextPlain(body);
    case 'text/occi':
      return parseTextOcci(rawHeaders);
    case 'text/uri-list':
      return { ...emptyPayload, locations: parseUriList(body) };
    case 'application/occi+json':
    case 'application/json':
      return parseJson(body);
  }
}

/** RFC 2483 §5: a line each; those that begin with # are comments. */
function parseUriList(body: string): string[] {
  const lines = body.split(/\r\n|\r|\n/).map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

export type Rendered = {
  readonly contentType: string;
  /** Each with all its values: a header may come several times. Text beyond ASCII is UTF-8, a character a byte. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
};

/** An answer in the rendering that was asked for. */
export function renderBody(type: MediaType, body: OcciBody, place: Place): Rendered {
  const headers = new Map<string, string[]>();
  switch (type) {
    case 'text/plain': {
      const lines = textFieldsOf(body, place).map(({ name, value }) => `${name}: ${value}`);
      return { contentType: 'text/plain; charset=utf-8', headers, body: linesOf(lines, body) };
    }
    case 'text/occi':
      for (const field of textFieldsOf(body, place)) addHeader(headers, field);
      return { contentType: type, headers, body: 'OK' };
    case 'text/uri-list':
      return {
        contentType: type,
        headers,
        body: uriListOf(body, place)
          .map((uri) => `${uri}\r\n`)
          .join(''),
      };
    case 'application/occi+json':
    case 'application/json':
      return { contentType: type, headers, body: JSON.stringify(jsonOf(body, place)) };
  }
}

/** Said aloud when there is nothing to tell; an empty collection is empty. */
function linesOf(lines: readonly string[], { what }: OcciBody): string {
  return what === 'done' ? 'OK\r\n' : lines.map((line) => `${line}\r\n`).join('');
}

function addHeader(headers: Map<string, string[]>, { name, value }: TextField): void {
  const bytes = Buffer.from(value, 'utf8').toString('latin1');
  headers.set(name, [...(headers.get(name) ?? []), bytes]);
}
