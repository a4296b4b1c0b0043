import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import type { DemoUserName, Medusa } from './medusa.ts';

/** Sends a document to the product's API as a user, XML or JSON, and answers what it says; throws what it refuses. */
export async function send(
  medusa: Medusa,
  user: DemoUserName,
  { path, type, body }: { path: string; type: 'application/xml' | 'application/json'; body: string },
): Promise<unknown> {
  const authorization = `Bearer ${await medusa.tokenOf(user)}`;
  return new Promise((resolve, reject) => {
    const headers = { authorization, 'content-type': type, accept: 'application/json' };
    const options = { method: 'POST', ca: readFileSync(medusa.caFile), headers, agent: false as const };
    const asked = request(`${medusa.url}${path}`, options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        const { statusCode = 0 } = response;
        if (statusCode >= 200 && statusCode < 300) resolve(text === '' ? null : JSON.parse(text));
        else reject(new Error(`${path}: HTTP ${statusCode} ${text}`));
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
