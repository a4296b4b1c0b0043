import type { Call } from './provision-api.ts';

/** A document that somebody wrote: XML (1.0) or JSON (RFC 8259). */
export type DocumentForm = 'xml' | 'json';

export type DocumentCalls = {
  readonly call: (path: string, options: Call) => Promise<unknown>;
  /** The answer as it came, in the media type that is asked for. */
  readonly load: (path: string, type: string) => Promise<Blob>;
};

/** JSON begins with a brace or a bracket; all else is taken for XML. */
export function formOf(text: string): DocumentForm {
  return /^\s*[[{]/.test(text) ? 'json' : 'xml';
}

/** Sent as it is: the broker says where it is wrong. */
export function documentCall(text: string): Call {
  const type = formOf(text) === 'json' ? 'application/json' : 'application/xml';
  return { method: 'POST', body: text, type };
}
