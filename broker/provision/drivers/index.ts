import type { ProviderKind } from '@medusa/protocol';
import type { DriverDefinition } from '../port/index.ts';

/**
 * Every kind of provider and where its driver lies. Loaded when a provider of that kind is opened: an SDK that nobody uses costs nothing.
 */
export const driverDefinitions: Partial<Record<ProviderKind, () => Promise<DriverDefinition>>> = {};
