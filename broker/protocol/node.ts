import { z } from 'zod';
import { applicationSchema } from './application.ts';
import {
  instantSchema,
  nodeIdSchema,
  participantIdSchema,
  sessionIdSchema,
  uidSchema,
  zoneSchema,
} from './ids.ts';
import { viewStateSchema } from './view.ts';

export const nodeStateSchema = z.enum([
  'provisioning',
  'joining',
  'ready',
  'draining',
  'leaving',
  'absent',
  'lost',
]);
export type NodeState = z.infer<typeof nodeStateSchema>;

export const nodeCapabilitiesSchema = z.object({
  architecture: z.string(),
  cpus: z.int(),
  memoryMiB: z.int(),
  gpu: z.string().nullable(),
  /** Video encoders that passed the probe, best first, e.g. `libx264`. */
  encoders: z.array(z.string()),
  /** How a workstation draws best here. */
  rendering: z.enum(['cpu', 'webgl']),
  /** Sessions that fit at once. */
  slots: z.int().positive(),
  /** Application ids whose programs are installed. */
  applications: z.array(z.string()),
  /** What holds an application in, e.g. `own user, own network namespace, bubblewrap`. */
  confinement: z.string(),
  rtcAddress: z.string(),
  rtcPort: z.int(),
  /** TCP: where a node that reads next to the data delivers what it draws; absent or null: nowhere. */
  relayPort: z.int().nullish(),
  /** `private`: people cannot reach its media port. Absent: they can. */
  access: z.enum(['public', 'private']).optional(),
});
export type NodeCapabilities = z.infer<typeof nodeCapabilitiesSchema>;

/** Which of the lives of a session: each start on a node has the next number, and whoever has a lower one is over. Absent: the first. */
const sessionIncarnationSchema = z.int().positive().optional();

/** A session that a node runs, as it tells on (re)joining: the broker adopts or stops it. */
export const nodeSessionReportSchema = z.object({
  sessionId: sessionIdSchema,
  incarnation: sessionIncarnationSchema,
  state: z.enum(['starting', 'streaming', 'closing']),
  participants: z.array(participantIdSchema),
  controller: participantIdSchema.nullable(),
});
export type NodeSessionReport = z.infer<typeof nodeSessionReportSchema>;

export const nodeRegistrationSchema = z.object({
  nodeId: nodeIdSchema,
  version: z.string(),
  startedAt: instantSchema,
  capabilities: nodeCapabilitiesSchema,
  zone: zoneSchema.optional(),
  sessions: z.array(nodeSessionReportSchema),
});
export type NodeRegistration = z.infer<typeof nodeRegistrationSchema>;

export const nodeWelcomeSchema = z.object({ heartbeatMs: z.int().positive() });
export type NodeWelcome = z.infer<typeof nodeWelcomeSchema>;

export const nodeHeartbeatSchema = z.object({
  load1: z.number(),
  freeMemoryMiB: z.int(),
  sessions: z.array(
    nodeSessionReportSchema.extend({
      framesPerSecond: z.number(),
      sentKbps: z.number(),
      encodeMs: z.number(),
    }),
  ),
});
export type NodeHeartbeat = z.infer<typeof nodeHeartbeatSchema>;

/**
 * Of a session in two parts, what this node is to do. The reader dials the viewer, so that nothing dials into the data's site; `relayKey`
 * (base64, 32 bytes) is known to these two nodes alone.
 */
export const sessionPartSchema = z.discriminatedUnion('role', [
  z.object({ role: z.literal('reader'), host: z.string(), port: z.int(), relayKey: z.base64().length(44) }),
  z.object({ role: z.literal('viewer'), relayKey: z.base64().length(44) }),
]);
export type SessionPart = z.infer<typeof sessionPartSchema>;

/** Broker → render node. Idempotent on `sessionId` and `incarnation`: asked twice, it is the same session; a later one takes its place. */
export const startSessionSchema = z.object({
  sessionId: sessionIdSchema,
  incarnation: sessionIncarnationSchema,
  studyInstanceUID: uidSchema,
  application: applicationSchema,
  /** DICOMweb service root of the storage node, and a token for this one study. */
  dicomwebUrl: z.url(),
  studyToken: z.string(),
  widthPx: z.int(),
  heightPx: z.int(),
  /** Absent: the whole session is here. */
  part: sessionPartSchema.optional(),
  /** What the application is to show at once; absent: it begins with the study. */
  view: viewStateSchema.optional(),
});
export type StartSession = z.infer<typeof startSessionSchema>;

export const stopSessionSchema = z.object({
  sessionId: sessionIdSchema,
  reason: z.string().max(200),
  /** Lives up to this one; absent: whichever there is. */
  incarnation: sessionIncarnationSchema,
});
export const setControllerSchema = z.object({
  sessionId: sessionIdSchema,
  /** The one whose input is injected; null = nobody's. */
  participantId: participantIdSchema.nullable(),
});
export const removeParticipantSchema = z.object({
  sessionId: sessionIdSchema,
  participantId: participantIdSchema,
});

/** Of a session that failed because its node ends: it may go on at another one. */
export const nodeEndingCode = 'node.ending';

/** Render node → broker: what happens to a session. */
export const nodeSessionEventSchema = z.object({
  sessionId: sessionIdSchema,
  incarnation: sessionIncarnationSchema,
  event: z.discriminatedUnion('kind', [
    /** A step of the start-up ended. ms since the node got the command. Steps: display, study, application, encoder, first-frame. */
    z.object({ kind: z.literal('step'), step: z.string().max(40), startMs: z.number(), endMs: z.number() }),
    z.object({ kind: z.literal('streaming') }),
    /** What was read of the study lately, and for how long it was waited for: how fast the path to the storage node is. */
    z.object({
      kind: z.literal('read'),
      /** Since the node got the command. */
      atMs: z.number(),
      bytes: z.int().positive(),
      waitedMs: z.number().positive(),
    }),
    z.object({ kind: z.literal('failed'), code: z.string(), detail: z.string().max(500) }),
    z.object({ kind: z.literal('closed'), reason: z.string().max(200) }),
  ]),
});
export type NodeSessionEvent = z.infer<typeof nodeSessionEventSchema>;

/** Render node → broker: what the workstation shows, the latest in place of all before it. Patient-related. */
export const nodeViewToldSchema = z.object({
  sessionId: sessionIdSchema,
  incarnation: sessionIncarnationSchema,
  view: viewStateSchema,
});
export type NodeViewTold = z.infer<typeof nodeViewToldSchema>;

/** Claims of a node's token, signed ES256 by the broker's key (`aud` = `medusa-node`). */
export const nodeTokenClaimsSchema = z.object({
  sub: nodeIdSchema,
  aud: z.literal('medusa-node'),
  kind: z.enum(['render', 'storage']),
  /** Which of the machines that had this node's name; 0 = a node that was not provisioned. */
  incarnation: z.int().min(0).default(0),
  iat: z.number(),
});

/** Claims of a one-time join token, signed ES256 by the broker's key (`aud` = `medusa-join`). */
export const joinTokenClaimsSchema = z.object({
  sub: nodeIdSchema,
  aud: z.literal('medusa-join'),
  role: z.enum(['render', 'storage']),
  incarnation: z.int().min(1),
  jti: z.uuid(),
  iat: z.number(),
  exp: z.number(),
});

/** A node as the admin page shows it. */
export const nodeViewSchema = z.object({
  id: nodeIdSchema,
  kind: z.enum(['render', 'storage']),
  provider: z.string(),
  /** Where it stands; absent: in the zone of its provider. */
  zone: zoneSchema.optional(),
  state: nodeStateSchema,
  reason: z.string(),
  version: z.string().nullable(),
  capabilities: nodeCapabilitiesSchema.nullable(),
  storage: z
    .object({
      aeTitle: z.string(),
      dicomPort: z.int(),
      freeBytes: z.number().nullable(),
      associations: z.int(),
      studies: z.int(),
      instances: z.int(),
      conflicts: z.int(),
      quarantined: z.int().optional(),
    })
    .nullable(),
  load1: z.number().nullable(),
  sessions: z.int(),
  lastSeenAt: instantSchema.nullable(),
  history: z.array(z.object({ at: instantSchema, state: nodeStateSchema, reason: z.string() })),
});
export type NodeView = z.infer<typeof nodeViewSchema>;
