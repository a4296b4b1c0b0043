import { AppError } from '@medusa/protocol';
import { Router, type Request, type Response } from 'express';
import { tagOf } from '../dicom/dictionary.ts';
import { isMatchable, type SearchLevel } from '../index/matching.ts';
import { search } from '../index/search.ts';
import type { IndexDatabase } from '../index/index-database.ts';
import { tellAccess } from '../access/web-access.ts';
import { onlyStudyOf, requireStudy } from './authorization.ts';
import { serviceRoot, withBulkUrls } from './service-root.ts';

const defaultLimit = 1_000;
const mostLimit = 10_000;

/** QIDO-RS: searches over studies, series and instances (PS3.18 §10.6). */
export function qidoRoutes(index: IndexDatabase): Router {
  const router = Router();
  const answer = (level: SearchLevel) => (req: Request, res: Response) =>
    sendMatches(req, res, { index, level });
  router.get('/studies', answer('study'));
  router.get('/series', answer('series'));
  router.get('/instances', answer('instance'));
  router.get('/studies/:study/series', answer('series'));
  router.get('/studies/:study/instances', answer('instance'));
  router.get('/studies/:study/series/:series/instances', answer('instance'));
  return router;
}

function sendMatches(
  req: Request,
  res: Response,
  { index, level }: { index: IndexDatabase; level: SearchLevel },
): void {
  const { study, series } = req.params as { study?: string; series?: string };
  if (study !== undefined) requireStudy(res, study);
  const query = parseQuery(req, level);
  const matches = search(index, {
    ...query,
    level,
    study: study ?? onlyStudyOf(res),
    series,
    limit: query.limit + 1,
  });
  const warnings = query.ignored.map((name) => `299 medusa "${name} is not matched"`);
  if (matches.length > query.limit)
    warnings.push('299 medusa "There are more results; ask with offset and limit"');
  if (warnings.length > 0) res.set('Warning', warnings.join(', '));
  const root = serviceRoot(req);
  const found = matches.slice(0, query.limit);
  tellAccess(res, { objects: found.length });
  const body = found.map(({ attributes, retrievePath }) => {
    const url = `${root}/${retrievePath}`;
    return withBulkUrls(JSON.stringify({ ...attributes, '00081190': { vr: 'UR', Value: [url] } }), url);
  });
  res.set('Cache-Control', 'private, no-cache').type('application/dicom+json');
  res.send(`[${body.join(',')}]`);
}

type Query = {
  keys: Map<string, string>;
  includeFields: Set<string> | 'all';
  ignored: string[];
  limit: number;
  offset: number;
};

function parseQuery(req: Request, level: SearchLevel): Query {
  const query: Query = {
    keys: new Map(),
    includeFields: new Set(),
    ignored: [],
    limit: defaultLimit,
    offset: 0,
  };
  const parameters = new URL(req.originalUrl, 'https://localhost').searchParams;
  for (const [name, value] of parameters) addParameter(query, { name, value, level });
  query.limit = Math.min(query.limit, mostLimit);
  return query;
}

function addParameter(
  query: Query,
  { name, value, level }: { name: string; value: string; level: SearchLevel },
): void {
  switch (name) {
    case 'limit':
    case 'offset':
      query[name] = wholeNumber(name, value);
      return;
    case 'includefield':
      includeFields(query, value);
      return;
    case 'fuzzymatching':
      if (value === 'true') query.ignored.push('fuzzymatching');
      return;
    case 'accept':
      return;
    default: {
      const tag = tagOf(name);
      if (!tag) throw new AppError('request.malformed', 'A parameter names no DICOM attribute');
      if (isMatchable(tag, level)) query.keys.set(tag, value);
      else query.ignored.push(tag);
    }
  }
}

function includeFields(query: Query, value: string): void {
  for (const field of value.split(',')) {
    if (field === 'all') query.includeFields = 'all';
    const tag = tagOf(field);
    if (tag && query.includeFields !== 'all') query.includeFields.add(tag);
  }
}

function wholeNumber(name: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new AppError('request.malformed', `${name} is a whole number`);
  return Number(value);
}
