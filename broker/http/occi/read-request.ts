import { AppError } from '@medusa/protocol';
import express, { type Request, type RequestHandler, type Response } from 'express';
import {
  chooseMediaType,
  decoded,
  emptyPayload,
  mediaTypeOf,
  mediaTypes,
  parsePayload,
  type MediaType,
  type OcciPayload,
  type OcciRequest,
} from '../../occi/index.ts';
import type { UserCaller } from '../caller.ts';

const readText: RequestHandler = express.text({ type: () => true, limit: '256kb' });

/** The rendering that the client accepts. Throws `occi.not-acceptable`, before anything is done. */
export function answerTypeOf(req: Request): MediaType {
  const type = chooseMediaType(req.headers.accept);
  if (type) return type;
  throw new AppError('occi.not-acceptable', `There are ${mediaTypes.join(', ')}`);
}

/** A request as OCCI sees it; `mount` is what comes before its paths, null where only discovery is. */
export async function readRequest(
  { req, res }: { readonly req: Request; readonly res: Response },
  { user, actor }: UserCaller,
  mount: string | null,
): Promise<OcciRequest> {
  const path = mount === null ? '/-/' : decoded(req.path).slice(mount.length);
  return {
    method: req.method === 'HEAD' ? 'GET' : req.method,
    path: path === '' ? '/' : path,
    query: queryOf(req.originalUrl),
    host: req.headers.host,
    payload: payloadOf(req, await bodyOf(req, res)),
    by: { user, actor },
  };
}

async function bodyOf(req: Request, res: Response): Promise<string> {
  const fault = await new Promise<unknown>((resolve) => {
    readText(req, res, resolve);
  });
  if (fault instanceof Error) throw fault;
  return typeof req.body === 'string' ? req.body : '';
}

/** Without a body, what there is stands in the headers, whatever type is told: filters come like that. */
function payloadOf(req: Request, body: string): OcciPayload {
  const told = req.headers['content-type'];
  const type = told === undefined ? 'text/plain' : mediaTypeOf(told);
  if (!type) throw new AppError('request.malformed', `The content is none of ${mediaTypes.join(', ')}`);
  const { rawHeaders } = req;
  if (type === 'text/occi') return parsePayload(type, { body, rawHeaders });
  if (body.trim() !== '') return parsePayload(type, { body, rawHeaders });
  return req.method === 'GET' || req.method === 'HEAD'
    ? parsePayload('text/occi', { body, rawHeaders })
    : emptyPayload;
}

/** GFD.223 §6 has semicolons in its example, and most clients ampersands. */
function queryOf(url: string): ReadonlyMap<string, string> {
  const [, search = ''] = url.split('?');
  return new Map(new URLSearchParams(search.replaceAll(';', '&')));
}
