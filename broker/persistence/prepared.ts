import { createHash } from 'node:crypto';
import pg from 'pg';

/** Names of statements that were sent: their texts are few, but for lists whose length is part of the text. */
const names = new Map<string, string>();
const mostNames = 500;

/**
 * A client that has the server keep the plan of every statement: planning costs several times what running one of them
 * does. A plan whose columns have changed under it, by the migration of a newer broker, is refused once and then made anew.
 */
export class PreparingClient extends pg.Client {
  #generation = 0;

  // The driver's own signature has a dozen overloads; of these, Kysely uses the one with a text.
  override query = (async (text: string, values: unknown[] = []) => {
    const name = values.length > 0 || isQuestion.test(text) ? nameOf(text) : undefined;
    if (name === undefined) return super.query(text, values);
    try {
      return await super.query({ name: `${name}${this.#generation}`, text, values });
    } catch (error) {
      if ((error as { code?: string }).code === planRefused) this.#generation += 1;
      throw error;
    }
  }) as pg.Client['query'];
}

/** Not: begin, commit, listen. */
const isQuestion = /^\s*(select|with|insert|update|delete)\b/i;

/** 0A000, feature not supported: "cached plan must not change result type". */
const planRefused = '0A000';

function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= mostNames) return known;
  const name = createHash('sha256').update(text).digest('base64url').slice(0, 32);
  names.set(text, name);
  return name;
}
