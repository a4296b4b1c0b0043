import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { manifestCheckSchema, manifestSchema } from '@medusa/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applicationsDir } from '../../manifest/index.ts';
import { startTestBroker, type TestBroker } from '../../support/test-broker.ts';
import { startTestDatabase } from '../../support/test-database.ts';

const suite = new AsyncDisposableStack();
let broker: TestBroker;
let aeskulap: string;

beforeAll(async () => {
  broker = suite.use(await startTestBroker(suite.use(await startTestDatabase())));
  aeskulap = await readFile(join(applicationsDir, 'aeskulap.xml'), 'utf8');
});
afterAll(async () => suite.disposeAsync());

async function ask(
  path: string,
  { headers = {}, ...rest }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Response> {
  const authorization = `Bearer ${await broker.token('ada')}`;
  return fetch(`${broker.url}${path}`, { ...rest, headers: { authorization, ...headers } });
}

async function check(body: string, type: string): Promise<Response> {
  return ask('/api/manifests/check', { method: 'POST', headers: { 'content-type': type }, body });
}

describe('the catalogue of manifests', () => {
  it('lists what comes with Medusa', async () => {
    const { manifests } = (await (await ask('/api/manifests')).json()) as { manifests: { name: string }[] };

    expect(manifests.map(({ name }) => name)).toEqual([
      'aeskulap',
      'amide',
      'near-data',
      'slides',
      'storage',
      'workstation',
    ]);
  });

  it('answers one of them as JSON, or as the document when that is wanted', async () => {
    const asJson = await ask('/api/manifests/aeskulap');
    const asXml = await ask('/api/manifests/aeskulap', { headers: { accept: 'application/xml' } });

    expect(manifestSchema.parse(await asJson.json())).toMatchObject({ name: 'aeskulap' });
    expect(asXml.headers.get('content-type')).toMatch(/^application\/xml/);
    expect(asXml.headers.get('vary')).toMatch(/accept/i);
    expect(await asXml.text()).toBe(aeskulap);
  });

  it('does not know others', async () => {
    expect(await (await ask('/api/manifests/nothing')).json()).toMatchObject({ code: 'manifest.unknown' });
  });
});

describe('the check of a manifest', () => {
  it.each(['application/xml', 'text/xml; charset=utf-8'])('reads a document as %s', async (type) => {
    const answer = await check(aeskulap, type);

    expect(answer.status).toBe(200);
    const { problems, lint, plan } = manifestCheckSchema.parse(await answer.json());
    expect({ problems, lint }).toEqual({ problems: [], lint: [] });
    expect(plan?.release.map(({ node }) => node)).toEqual(['viewer']);
  });

  it('reads JSON, and says the same', async () => {
    const manifest = await (await ask('/api/manifests/aeskulap')).text();

    const [ofJson, ofXml] = await Promise.all([
      check(manifest, 'application/json'),
      check(aeskulap, 'application/xml'),
    ]);

    expect(await ofJson.json()).toEqual(await ofXml.json());
  });

  it('answers 200 with line, column and a sentence for a document that cannot be read', async () => {
    const answer = await check(
      '<manifest name="a">\n  <node name="b" scope="wide"/>\n</manifest>',
      'text/xml',
    );

    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      manifest: null,
      plan: null,
      problems: [{ severity: 'error', line: 2, column: 3, pointer: '/nodes/0/scope' }],
    });
  });

  it('refuses a body that is neither, and one beyond all measure', async () => {
    expect((await check('name: a', 'application/yaml')).status).toBe(422);
    expect((await check(`<manifest name="${'a'.repeat(300_000)}"/>`, 'application/xml')).status).toBe(413);
  });

  it('says which size of a provider each machine would be, and refuses a provider that is not there', async () => {
    const token = await broker.token('ada');
    const manifest = await (await ask('/api/manifests/near-data')).json();
    const checkAt = async (provider: string): Promise<{ status: number; body: unknown }> =>
      broker.call('POST', `/api/manifests/check?provider=${provider}`, { token, body: manifest });

    const answer = await checkAt('local');
    expect(answer).toMatchObject({ status: 200 });
    const { fit } = manifestCheckSchema.parse(answer.body);

    expect(fit?.map(({ id }) => id)).toEqual(['storage-store', 'near-data-reader', 'near-data-viewer']);
    expect(fit?.[1]).toMatchObject({ size: null, reason: expect.stringMatching(/no size/) as unknown });
    expect(await checkAt('nowhere')).toMatchObject({ status: 404, body: { code: 'provider.unknown' } });
  });

  it('leaves no document type a chance', async () => {
    const bomb = '<!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/passwd">]><manifest name="&a;"/>';

    const answer = manifestCheckSchema.parse(await (await check(bomb, 'application/xml')).json());

    expect(answer.manifest).toBeNull();
    expect(answer.problems).toMatchObject([{ message: 'A document type is not accepted' }]);
  });
});
