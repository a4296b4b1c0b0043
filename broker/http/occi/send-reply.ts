import type { Response } from 'express';
import { renderBody, type MediaType, type OcciReply } from '../../occi/index.ts';

/** Writes an answer as it was asked for. Express would add a charset to every text type, which clients do not expect. */
export function sendReply(
  res: Response,
  type: MediaType,
  { reply, mount }: { readonly reply: OcciReply; readonly mount: string },
): void {
  const rendered = renderBody(type, reply.body, (path) => `${mount}${path}`);
  res.statusCode = reply.status;
  if (reply.location !== null) res.setHeader('location', reply.location);
  for (const [name, values] of rendered.headers) res.setHeader(name, values);
  res.setHeader('content-type', rendered.contentType);
  // As bytes: with a text body Node would write the headers in its encoding too.
  res.end(Buffer.from(rendered.body));
}
