import { chown } from 'node:fs/promises';
import {
  createServer,
  type IncomingMessage,
  request as requestHttp,
  type Server,
  type ServerResponse,
} from 'node:http';
import { request as requestHttps } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { TypedEmitter } from '@medusa/kernel';
import { type ViewState, viewStateSchema } from '@medusa/protocol';
import type { ReadingMeter } from './reading-meter.ts';
import { serveFile } from './static-files.ts';

export type StudyAccess = {
  readonly studyInstanceUID: string;
  readonly dicomwebUrl: string;
  /** Read at each request: the broker may renew it. */
  readonly studyToken: () => string;
  /** Measures the path to the storage node by what is read over it. */
  readonly meter: ReadingMeter;
};
export type GateOptions = {
  readonly socketFile: string;
  readonly uid: number | null;
  readonly clientFolder: string;
  readonly study: StudyAccess;
  /** What the page is to show at once, when it takes the place of one that was lost. */
  readonly viewToResume: () => ViewState | undefined;
  readonly report: (error: unknown) => void;
};

const mostViewStateBytes = 1_024 * 1_024;
const forwardedHeaders = ['accept', 'accept-encoding', 'range'] as const;
const returnedHeaders = [
  'content-type',
  'content-length',
  'content-encoding',
  'content-range',
  'etag',
] as const;

/**
 * The only way out of a sandbox: HTTP on a unix socket. It serves our own pages, fetches the session's one study
 * with a token that the application never sees, takes the page's view state, and gives it to a page that goes on with it.
 */
export class Gate implements AsyncDisposable {
  readonly events: TypedEmitter<{ view: [view: ViewState] }>;
  readonly #options: GateOptions;
  readonly #server: Server;
  readonly #scaled = new Set<ServerResponse>();
  #scalePercent = 100;
  #seamPx = 0;

  static async create(options: GateOptions): Promise<Gate> {
    const gate = new Gate(options);
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    gate.#server.once('error', reject);
    gate.#server.listen(options.socketFile, () => resolve(undefined));
    await promise;
    if (options.uid !== null) await chown(options.socketFile, options.uid, options.uid);
    return gate;
  }

  private constructor(options: GateOptions) {
    this.#options = options;
    this.events = new TypedEmitter(options.report);
    this.#server = createServer((request, response) => {
      void this.#answer(request, response).catch((error: unknown) => {
        if (!response.destroyed) options.report(error);
        response.destroy();
      });
    });
  }

  /** How large the page is to draw its interface around the pictures, told to the page at once. */
  scaleInterface(percent: number): void {
    this.#scalePercent = percent;
    for (const response of this.#scaled) response.write(scaleEvent(percent));
  }

  /** Where on the page the second of two screens side by side begins, told to it at once; 0: it is one screen. */
  splitPage(seamPx: number): void {
    if (seamPx === this.#seamPx) return;
    this.#seamPx = seamPx;
    for (const response of this.#scaled) response.write(seamEvent(seamPx));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#server.close(() => resolve(undefined));
    this.#server.closeAllConnections();
    await promise;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://gate');
    if (request.method === 'POST' && url.pathname === '/view-state')
      refuse(response, await this.#takeView(request));
    else if (request.method !== 'GET') refuse(response, 405);
    else if (url.pathname === '/view-state') answerJson(response, this.#options.viewToResume());
    else if (url.pathname === '/interface-scale') this.#tellScale(response);
    else if (url.pathname.startsWith('/dicomweb/')) await this.#fetchStudy(url, request, response);
    else if (!(await this.#servePage(url.pathname, response))) refuse(response, 404);
  }

  /** Server-sent events (HTML §9.2): the present scale and seam, and each that follows. */
  #tellScale(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(scaleEvent(this.#scalePercent));
    if (this.#seamPx > 0) response.write(seamEvent(this.#seamPx));
    this.#scaled.add(response);
    response.on('close', () => this.#scaled.delete(response));
  }

  async #servePage(pathname: string, response: ServerResponse): Promise<boolean> {
    const isPage = ['/workstation/', '/slides/', '/assets/'].some((folder) => pathname.startsWith(folder));
    return isPage && (await serveFile(this.#options.clientFolder, decodePath(pathname), response));
  }

  /** Answers the HTTP status. */
  async #takeView(request: IncomingMessage): Promise<number> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > mostViewStateBytes) return 413;
      chunks.push(chunk);
    }
    const parsed = viewStateSchema.safeParse(parseJson(Buffer.concat(chunks).toString()));
    if (!parsed.success) return 422;
    if (parsed.data.studyInstanceUID !== this.#options.study.studyInstanceUID) return 403;
    this.events.emit('view', parsed.data);
    return 204;
  }

  async #fetchStudy(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = studyTarget(url, this.#options.study);
    if (!target) {
      refuse(response, 403);
      return;
    }
    try {
      const answer = await this.#ask(target, request, response);
      for (const name of returnedHeaders) {
        const value = answer.headers[name];
        if (value !== undefined) response.setHeader(name, value);
      }
      response.writeHead(answer.statusCode ?? 502);
      await pipeline(answer, this.#options.study.meter.pass, response);
    } catch (error) {
      // The page gives a request up with each scroll past a slice.
      if (response.destroyed) return;
      if (response.headersSent) throw error;
      this.#options.report(error);
      refuse(response, 502);
    }
  }

  async #ask(target: URL, request: IncomingMessage, response: ServerResponse): Promise<IncomingMessage> {
    const send = target.protocol === 'https:' ? requestHttps : requestHttp;
    const headers: Record<string, string> = { authorization: `Bearer ${this.#options.study.studyToken()}` };
    for (const name of forwardedHeaders) {
      const value = request.headers[name];
      if (typeof value === 'string') headers[name] = value;
    }
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const asking = send(target, { headers }, resolve).on('error', reject).end();
    response.on('close', () => asking.destroy());
    return promise;
  }
}

/** The address at the storage node, or undefined for anything that is not of this study. */
export function studyTarget(
  url: URL,
  study: Pick<StudyAccess, 'studyInstanceUID' | 'dicomwebUrl'>,
): URL | undefined {
  const rest = url.pathname.slice('/dicomweb'.length);
  const query = new URLSearchParams(url.search);
  if (rest === '/studies') query.set('StudyInstanceUID', study.studyInstanceUID);
  else if (!isPathOfStudy(rest, study.studyInstanceUID)) return undefined;
  const target = new URL(study.dicomwebUrl.replace(/\/$/, '') + rest);
  target.search = query.toString();
  return target;
}

function isPathOfStudy(rest: string, studyInstanceUID: string): boolean {
  const segments = rest.split('/').slice(1);
  const isPlain = segments
    .slice(2)
    .every((segment) => /^[A-Za-z0-9._,-]+$/.test(segment) && !segment.startsWith('..'));
  return segments[0] === 'studies' && segments[1] === studyInstanceUID && isPlain;
}

function answerJson(response: ServerResponse, body: unknown): void {
  if (body === undefined) refuse(response, 204);
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** An answer without a body. */
function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, status === 204 ? {} : { 'content-length': 0 }).end();
}

function scaleEvent(percent: number): string {
  return `data: ${percent}\n\n`;
}

function decodePath(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return '/';
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function seamEvent(px: number): string {
  return `event: seam\ndata: ${px}\n\n`;
}
