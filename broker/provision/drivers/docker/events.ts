import { createInterface } from 'node:readline';
import { z } from 'zod';
import { told, type Engine } from './client.ts';

/** Docker Engine API, `SystemEvents`: one JSON object a line. */
const eventSchema = z.object({ Actor: z.object({ Attributes: z.record(z.string(), z.string()) }) });

/** Tells of containers of that owner, until the signal aborts. */
export async function watchContainers(
  engine: Engine,
  { owner, onChange, signal }: { owner: string; onChange: (ref: string | null) => void; signal: AbortSignal },
): Promise<void> {
  const filters = JSON.stringify({ type: ['container'], label: [`medusa-owner=${owner}`] });
  const stream = await told(false, async () => engine.getEvents({ filters, abortSignal: signal }));
  const lines = createInterface({ input: stream });
  stream.on('error', () => lines.close());
  try {
    for await (const line of lines) {
      const event = eventSchema.safeParse(parseJson(line));
      if (event.success) onChange(event.data.Actor.Attributes['name'] ?? null);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
