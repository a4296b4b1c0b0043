import { z } from 'zod';

/** `true` or `false` in a query. */
export const flagSchema = z
  .enum(['true', 'false'])
  .default('false')
  .transform((word) => word === 'true');

/** With `dryRun=true` a route answers what would be done, and changes nothing. */
export const dryRunQuery = z.strictObject({ dryRun: flagSchema });
