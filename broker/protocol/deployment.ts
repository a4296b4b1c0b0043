import { z } from 'zod';
import { manifestFindingSchema, manifestProblemSchema, manifestSchema } from './manifest.ts';
import {
  architectureSchema,
  machineSpecSchema,
  networkSpecSchema,
  resourceIdSchema,
  securityGroupSpecSchema,
  volumeSpecSchema,
} from './provision.ts';

/** What a machine must have at least; null = no wish. Which image and size of a provider that is, its catalogue tells. */
export const machineNeedSchema = z.strictObject({
  /** A provider's name, or `any`. */
  provider: z.string(),
  operator: z.string(),
  architecture: architectureSchema.nullable(),
  cores: z.number().nullable(),
  speedGHz: z.number().nullable(),
  memoryMiB: z.int().nullable(),
  diskGiB: z.number().nullable(),
  gpu: z
    .strictObject({
      count: z.int(),
      model: z.string().nullable(),
      memoryGiB: z.number().nullable(),
      encoder: z.string().nullable(),
    })
    .nullable(),
  image: z.string().nullable(),
  system: z.string().nullable(),
  packages: z.array(z.string()),
});
export type MachineNeed = z.infer<typeof machineNeedSchema>;

/** What a deployment wants there to be: the specs of provisioning, machines by need instead of by a provider's image and size. */
export const deploymentWishSchema = z.strictObject({
  id: resourceIdSchema,
  spec: z.discriminatedUnion('kind', [
    machineSpecSchema.omit({ image: true, size: true }).extend({ need: machineNeedSchema }),
    networkSpecSchema,
    volumeSpecSchema,
    securityGroupSpecSchema,
  ]),
  waitsFor: z.array(resourceIdSchema),
});
export type DeploymentWish = z.infer<typeof deploymentWishSchema>;

/** A step in a guest, or on a whole complex node. `waitsFor` has ids of resources and of instructions. */
export const deploymentInstructionSchema = z.strictObject({
  id: z.string(),
  /** With dots: a node of a complex node. */
  node: z.string(),
  section: z.enum(['configuration', 'interface', 'release']),
  /** `assign`: its arguments are the attribute and the value. */
  verb: z.string(),
  arguments: z.array(
    z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('text'), text: z.string() }),
      z.strictObject({ kind: z.literal('number'), number: z.number() }),
      /** Of another node: known when what is waited for is done. `node` is '' for what is no node's. */
      z.strictObject({ kind: z.literal('property'), node: z.string(), property: z.string() }),
    ]),
  ),
  waitsFor: z.array(z.string()),
});
export type DeploymentInstruction = z.infer<typeof deploymentInstructionSchema>;

/** How a manifest is deployed, in order, and how it is released again, in the reverse one. */
export const deploymentPlanSchema = z.strictObject({
  manifest: z.string(),
  nodes: z.array(
    z.strictObject({
      node: z.string(),
      /** The manifest that describes it. */
      manifest: z.string(),
      access: z.enum(['private', 'public']),
      scope: z.enum(['normal', 'common']),
      /** It serves other manifests too: it may be there already, and stays when this one is released. */
      isShared: z.boolean(),
      wishes: z.array(deploymentWishSchema),
      instructions: z.array(deploymentInstructionSchema),
    }),
  ),
  /** Each waits for the one before it. */
  release: z.array(
    z.strictObject({
      node: z.string(),
      instructions: z.array(deploymentInstructionSchema),
      resources: z.array(resourceIdSchema),
    }),
  ),
});
export type DeploymentPlan = z.infer<typeof deploymentPlanSchema>;

/** What a plan wants and a provider does not have, where it can do without: why, in words. */
export const leftOutSchema = z.object({
  node: z.string(),
  id: resourceIdSchema,
  kind: z.enum(['machine', 'network', 'volume', 'security-group']),
  reason: z.string(),
});
export type LeftOut = z.infer<typeof leftOutSchema>;

/** What a machine of a plan would be at one provider. */
export const machineFitSchema = z.object({
  id: resourceIdSchema,
  /** Ids of the provider's; null = it has none that fits, and `reason` says why. */
  size: z.string().nullable(),
  image: z.string().nullable(),
  reason: z.string(),
});
export type MachineFit = z.infer<typeof machineFitSchema>;

/** All that can be said about a manifest without deploying it. */
export const manifestCheckSchema = z.object({
  /** null: there is an error among the problems. */
  manifest: manifestSchema.nullable(),
  problems: z.array(manifestProblemSchema),
  lint: z.array(manifestFindingSchema.extend(manifestProblemSchema.pick({ line: true, column: true }).shape)),
  /** null: there is an error among the problems. */
  plan: deploymentPlanSchema.nullable(),
  /** null: there is no plan, or no provider was named. */
  fit: z.array(machineFitSchema).nullable(),
  /** The manifest in the form that we write (CORDS, XML), with what was found in it as its errors and warnings. */
  document: z.string().nullable(),
});
export type ManifestCheck = z.infer<typeof manifestCheckSchema>;
