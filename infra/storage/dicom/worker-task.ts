import type { ProblemCode } from '@medusa/protocol';
import type { Extent } from './element-reader.ts';
import type { IndexedObject } from './frame-reader.ts';
import type { ParsedObject, StoredFile } from './header.ts';
import type { Identifier } from './identifier.ts';
import type { RenderRequest } from './render.ts';

type HeaderTask =
  /** Lists and trees travel as text: that takes a fifth of the time. `wanted`: tags, with a space between. */
  | { readonly kind: 'parse'; readonly file: StoredFile; readonly wanted: string }
  | { readonly kind: 'identifier'; readonly bytes: Uint8Array; readonly isExplicit: boolean };

export type PixelTask =
  | { readonly kind: 'decode'; readonly object: IndexedObject; readonly frameIndex: number }
  | { readonly kind: 'render'; readonly object: IndexedObject; readonly request: RenderRequest }
  | { readonly kind: 'transcode'; readonly object: IndexedObject; readonly target: string }
  | { readonly kind: 'inflate'; readonly file: StoredFile; readonly extent: Extent };

export type WorkerTask = HeaderTask | PixelTask;

export type WorkerResult = {
  /** `attributes` in JSON. */
  readonly parse: Omit<ParsedObject, 'attributes'> & { readonly attributes: string };
  readonly identifier: Identifier;
  readonly decode: Uint8Array;
  readonly render: Uint8Array;
  readonly transcode: undefined;
  readonly inflate: Uint8Array;
};

export type WorkerAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly kind: 'malformed' | ProblemCode; readonly message: string };
