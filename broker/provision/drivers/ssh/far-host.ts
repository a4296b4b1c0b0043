import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { z } from 'zod';
import { ProviderError } from '../../port/index.ts';
import type { Connection } from './connection.ts';
import type { FarRequest } from './on-host.ts';

const answerSchema = z.union([
  z.object({ ok: z.unknown() }),
  z.object({
    fault: z.enum(['not-found', 'conflict', 'capacity', 'invalid', 'transient']),
    message: z.string(),
  }),
]);

export type FarHost = {
  ask<Answer>(request: FarRequest, schema: z.ZodType<Answer>, signal: AbortSignal): Promise<Answer>;
};

const reading = new Set(['probe', 'list', 'console']);

/** Asks `on-host.ts`, which travels with each question, its types stripped here once. */
export function openFarHost(connection: Connection, commandLine: string): FarHost {
  const program = readFile(join(import.meta.dirname, 'on-host.ts'), 'utf8').then((text) =>
    stripTypeScriptTypes(text),
  );
  // Awaited with the first question.
  program.catch(() => undefined);
  return {
    async ask(request, schema, signal) {
      // JSON is a subset of the language (ECMA-262 since 2019): no data is ever read as code.
      const input = `${await program}\nprocess.stdout.write(JSON.stringify(await serve(${JSON.stringify(request)})));\n`;
      let output: string;
      try {
        output = await connection.execute(commandLine, input, signal);
      } catch (error) {
        // What only looked has changed nothing.
        if (error instanceof ProviderError && error.fault === 'unknown-outcome' && reading.has(request.do))
          throw new ProviderError('transient', error.message, { cause: error });
        throw error;
      }
      const answer = answerSchema.safeParse(parseJson(output));
      if (!answer.success)
        throw new ProviderError('invalid', `${commandLine} is no Node on that host: it gave no answer`);
      if ('fault' in answer.data) throw new ProviderError(answer.data.fault, answer.data.message);
      return schema.parse(answer.data.ok);
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
