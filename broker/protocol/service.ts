import { z } from 'zod';
import { deploymentPlanSchema, leftOutSchema, machineFitSchema } from './deployment.ts';
import { instantSchema } from './ids.ts';
import {
  powerSchema,
  providerIdSchema,
  resourceIdSchema,
  resourceKindSchema,
  resourcePhaseSchema,
} from './provision.ts';

/** The first part of the names of what it is made of. */
export const serviceIdSchema = z
  .string()
  .max(24, 'at most 24 characters')
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'lower case letters, digits and hyphens')
  .brand<'ServiceId'>();
export type ServiceId = z.infer<typeof serviceIdSchema>;

/**
 * idle → working → running ⇄ degraded; running → working → suspended → working → running; anything → releasing → absent.
 * `releasing` with a reason takes back what a failed deployment had made, and ends in `error` with that reason.
 */
export const serviceStateSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('idle') }),
  z.discriminatedUnion('purpose', [
    z.strictObject({ kind: z.literal('working'), purpose: z.enum(['deploy', 'restart']) }),
    z.strictObject({
      kind: z.literal('working'),
      purpose: z.literal('suspend'),
      /** What its machines are brought to: providers that cannot suspend switch off. */
      power: powerSchema.exclude(['on']),
    }),
  ]),
  z.strictObject({ kind: z.literal('running') }),
  z.strictObject({ kind: z.literal('degraded'), reason: z.string() }),
  z.strictObject({ kind: z.literal('suspended') }),
  /** null: as asked. */
  z.strictObject({ kind: z.literal('releasing'), reason: z.string().nullable() }),
  z.strictObject({ kind: z.literal('error'), reason: z.string() }),
  z.strictObject({ kind: z.literal('absent') }),
]);
export type ServiceState = z.infer<typeof serviceStateSchema>;

/** Deploys a manifest at a provider. */
export const createServiceSchema = z.strictObject({
  /** Left out: made from the manifest's name. */
  id: serviceIdSchema.optional(),
  provider: providerIdSchema,
  /** A name of the catalogue, a CORDS document, or the JSON of one; left out: what its agreement describes. */
  manifest: z.union([z.string().min(1), z.record(z.string(), z.unknown())]).optional(),
  /** Of the agreement that it is run under: it is started within the agreement's life only. */
  agreement: z.string().min(1).max(200).nullable().default(null),
  /** How long each part may take until it is ready; longer is a failure. */
  readySeconds: z.int().min(1).max(86_400).default(1_800),
});
export type CreateService = z.infer<typeof createServiceSchema>;

/** What would be made, in order, before anything is. */
export const servicePlanSchema = z.object({
  plan: deploymentPlanSchema,
  fit: z.array(machineFitSchema),
  leftOut: z.array(leftOutSchema),
});
export type ServicePlan = z.infer<typeof servicePlanSchema>;

export const serviceActionSchema = z.strictObject({ action: z.enum(['suspend', 'restart', 'release']) });
export type ServiceAction = z.infer<typeof serviceActionSchema>['action'];

export const serviceStepSchema = z.object({
  at: instantSchema,
  /** '' = the service's own. */
  node: z.string(),
  text: z.string(),
  /** `not-carried-out`: an instruction of the manifest that nothing here carries out; the text says why. */
  outcome: z.enum(['ok', 'failed', 'not-carried-out']),
  durationMs: z.number().nullable(),
});
export type ServiceStep = z.infer<typeof serviceStepSchema>;

export const serviceViewSchema = z.object({
  id: serviceIdSchema,
  manifest: z.string(),
  provider: providerIdSchema,
  agreement: z.string().nullable(),
  state: serviceStateSchema,
  /** What it waits for, or why it is as it is. */
  reason: z.string(),
  createdAt: instantSchema,
  createdBy: z.string(),
  /** Of the state. */
  since: instantSchema,
  /** In the order in which they are made. */
  nodes: z.array(
    z.object({
      node: z.string(),
      manifest: z.string(),
      isShared: z.boolean(),
      resources: z.array(
        z.object({
          id: resourceIdSchema,
          kind: resourceKindSchema,
          /** null: never asked for. */
          phase: resourcePhaseSchema.nullable(),
          reason: z.string(),
          addresses: z.array(z.string()),
          /** It stays when the service is released. */
          isShared: z.boolean(),
        }),
      ),
    }),
  ),
  /** Oldest first; the newest 500. */
  steps: z.array(serviceStepSchema),
});
export type ServiceView = z.infer<typeof serviceViewSchema>;
