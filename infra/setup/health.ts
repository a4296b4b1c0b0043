import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { z } from 'zod';
import type { StackConfig } from './config.ts';

const unhealthySchema = z.object({
  detail: z.string().optional(),
  reason: z.string().optional(),
  title: z.string().optional(),
});

export type Health = { readonly isHealthy: true } | { readonly isHealthy: false; readonly reason: string };

/** Asks the broker on this machine whether a study could be opened now. Never throws. */
export async function readHealth(config: StackConfig, caFile: string): Promise<Health> {
  return new Promise((resolve) => {
    const asked = request(
      `https://${config.localHost}:${config.httpsPort}/healthz`,
      {
        ca: readFileSync(caFile),
        timeout: 5_000,
        agent: false,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve(
            response.statusCode === 200 ? { isHealthy: true } : { isHealthy: false, reason: reasonIn(text) },
          ),
        );
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', (error: NodeJS.ErrnoException) =>
      resolve({
        isHealthy: false,
        reason:
          error.code === 'ECONNREFUSED' ? 'the broker does not listen yet' : `the broker: ${error.message}`,
      }),
    );
    asked.end();
  });
}

function reasonIn(text: string): string {
  try {
    const parsed = unhealthySchema.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data.detail ?? parsed.data.reason ?? parsed.data.title ?? text;
  } catch {
    // Not JSON: the text itself has to do.
  }
  return text.slice(0, 200) || 'the broker is not ready';
}
