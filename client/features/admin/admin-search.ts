import { z } from 'zod';

export const adminTabs = [
  ...(['overview', 'nodes', 'sessions', 'storage', 'entities', 'pools', 'capacity', 'providers'] as const),
  ...(['networks', 'volumes', 'manifests', 'services', 'agreements', 'events', 'audit'] as const),
] as const;
export type AdminTab = (typeof adminTabs)[number];

/** What the address of the page may say beside its path: what is shown can be linked to. */
export const adminSearchSchema = z.object({
  tab: z.enum(adminTabs).optional().catch(undefined),
  /** Of the event log. */
  resource: z.string().max(40).optional().catch(undefined),
});
