import type { OcciCaller } from './backend.ts';
import type { OcciBody, OcciPayload } from './rendering/index.ts';

/** A request, whatever carried it. */
export type OcciRequest = {
  readonly method: string;
  /** Below the root of OCCI, decoded, e.g. `/compute/a`. */
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
  /** What the client calls the server: host and port. */
  readonly host: string | undefined;
  readonly payload: OcciPayload;
  readonly by: OcciCaller;
};

export type OcciReply = {
  readonly status: 200 | 201;
  /** Of what was created, the first of several. */
  readonly location: string | null;
  readonly body: OcciBody;
};
