import {
  AppError,
  fromProblem,
  invitationSchema,
  launchResponseSchema,
  parseInput,
  problemSchema,
  sessionViewSchema,
  transferPolicySchema,
  type DeviceReport,
  type FrameLatency,
  type Invitation,
  type LaunchRequest,
  type LaunchResponse,
  type SessionId,
  type TransferPolicy,
  type SessionView,
} from '@medusa/protocol';
import { z } from 'zod';
import { AgreementApi } from './agreement-api.ts';
import { auditPageSchema, type AuditFilter, type AuditPage } from './audit-page.ts';
import { CapacityApi } from './capacity-api.ts';
import type { DocumentCalls } from './document.ts';
import { AlarmApi } from './alarm-api.ts';
import { EntityApi } from './entity-api.ts';
import { KeyImageApi } from './key-image-api.ts';
import { ManifestApi } from './manifest-api.ts';
import { ProvisionApi, type Call } from './provision-api.ts';
import { publicConfigSchema, type PublicConfig } from './public-config.ts';
import { QuarantineApi } from './quarantine-api.ts';
import { RecordingApi } from './recording-api.ts';
import { ReservationApi } from './reservation-api.ts';
import { RetentionApi } from './retention-api.ts';
import { ServiceApi } from './service-api.ts';

const sessionListSchema = z.object({ sessions: z.array(sessionViewSchema) });
const acceptedInvitationSchema = z.object({ sessionId: sessionViewSchema.shape.id });

/** The public configuration, asked before anybody is logged in. */
export async function loadPublicConfig(signal?: AbortSignal): Promise<PublicConfig> {
  return parseInput(publicConfigSchema, await call('/api/config', { signal }));
}

/** The broker's REST interface as one logged-in user. Every answer is parsed; every failure is an `AppError`. */
export class Api {
  readonly provision = new ProvisionApi(async (path, options) => this.#call(path, options));
  readonly capacity = new CapacityApi(async (path, options) => this.#call(path, options));
  readonly alarms = new AlarmApi(async (path, options) => this.#call(path, options));
  readonly entities = new EntityApi(async (path, options) => this.#call(path, options));
  readonly keyImages = new KeyImageApi(async (path, options) => this.#call(path, options));
  readonly quarantine = new QuarantineApi(async (path, options) => this.#call(path, options));
  readonly reservations = new ReservationApi(async (path, options) => this.#call(path, options));
  readonly retention = new RetentionApi(async (path, options) => this.#call(path, options));
  readonly services = new ServiceApi(async (path, options) => this.#call(path, options));
  readonly recordings: RecordingApi;
  readonly agreements: AgreementApi;
  readonly manifests: ManifestApi;
  readonly #accessToken: () => Promise<string>;

  constructor(accessToken: () => Promise<string>) {
    this.#accessToken = accessToken;
    const calls: DocumentCalls = {
      call: async (path, options) => this.#call(path, options),
      load: async (path, type) => load(path, type, await accessToken()),
    };
    this.recordings = new RecordingApi(calls);
    this.agreements = new AgreementApi(calls);
    this.manifests = new ManifestApi(calls);
  }

  /** What may pass between displays and clipboards; for administrators. */
  async loadTransferPolicy(signal?: AbortSignal): Promise<TransferPolicy> {
    return parseInput(transferPolicySchema, await this.#call('/api/transfers', { signal }));
  }

  async launch(request: LaunchRequest, signal?: AbortSignal): Promise<LaunchResponse> {
    return parseInput(
      launchResponseSchema,
      await this.#call('/api/sessions', { method: 'POST', body: request, signal }),
    );
  }

  /** One's own sessions and those one was invited to; an administrator gets all. */
  async listSessions(signal?: AbortSignal): Promise<readonly SessionView[]> {
    return parseInput(sessionListSchema, await this.#call('/api/sessions', { signal })).sessions;
  }

  async closeSession(sessionId: SessionId): Promise<void> {
    await this.#call(`/api/sessions/${sessionId}`, { method: 'DELETE' });
  }

  /** What the viewer saw of its session: it is judged under agreements. */
  async tellFrames(sessionId: SessionId, samples: readonly FrameLatency[]): Promise<void> {
    await this.#call(`/api/sessions/${sessionId}/frames`, { method: 'POST', body: { samples } });
  }

  async invite(sessionId: SessionId): Promise<Invitation> {
    return parseInput(
      invitationSchema,
      await this.#call(`/api/sessions/${sessionId}/invitations`, { method: 'POST', body: {} }),
    );
  }

  async acceptInvitation(code: string, device: DeviceReport): Promise<SessionId> {
    const path = `/api/invitations/${encodeURIComponent(code)}/accept`;
    const answer = await this.#call(path, { method: 'POST', body: { device } });
    return parseInput(acceptedInvitationSchema, answer).sessionId;
  }

  async loadAudit(filter: AuditFilter, signal?: AbortSignal): Promise<AuditPage> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(filter)) if (value !== '') query.set(name, String(value));
    return parseInput(auditPageSchema, await this.#call(`/api/audit?${query.toString()}`, { signal }));
  }

  async #call(path: string, options: Call): Promise<unknown> {
    return call(path, options, await this.#accessToken());
  }
}

async function call(path: string, options: Call, token?: string): Promise<unknown> {
  const headers = new Headers({ accept: 'application/json, application/problem+json' });
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  if (options.body !== undefined) headers.set('content-type', options.type ?? 'application/json');
  const response = await fetch(path, {
    method: options.method ?? 'GET',
    headers,
    body: bodyOf(options),
    signal: options.signal ?? null,
    cache: 'no-store',
  });
  const text = await response.text();
  if (!response.ok) throw problemOf(response, text);
  return text === '' ? null : parseJson(text);
}

function bodyOf({ body, type }: Call): string | null {
  if (body === undefined) return null;
  return type !== undefined && typeof body === 'string' ? body : JSON.stringify(body);
}

/** An answer as it came, of a type that is no JSON to look into. */
async function load(path: string, type: string, token: string): Promise<Blob> {
  const headers = { accept: `${type}, application/problem+json;q=0.1`, authorization: `Bearer ${token}` };
  const response = await fetch(path, { headers, cache: 'no-store' });
  if (!response.ok) throw problemOf(response, await response.text());
  return response.blob();
}

function problemOf(response: Response, text: string): AppError {
  const problem = problemSchema.safeParse(parseJson(text));
  if (problem.success) return fromProblem(problem.data);
  return new AppError('internal', `The server answered ${response.status}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
