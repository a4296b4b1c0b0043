import { readFileSync } from 'node:fs';
import path from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { logInForToken } from '@medusa/broker/scripted-login';
import { readStackConfig } from './config.ts';
import { ensureSecrets } from './secrets.ts';

/** `npm run -s token -- USER`: logs a demo user in at the running instance and prints the access token. */
async function main(): Promise<void> {
  const [username = ''] = process.argv.slice(2);
  const config = readStackConfig(process.env);
  const secrets = await ensureSecrets(config.dataDir);
  const user = secrets.demoUsers.find((candidate) => candidate.username === username);
  if (!user)
    throw new Error(
      `usage: npm run -s token -- ${secrets.demoUsers.map((known) => known.username).join('|')}`,
    );
  setDefaultCACertificates([
    ...getCACertificates(),
    readFileSync(path.join(secrets.directory, 'ca.pem'), 'utf8'),
  ]);
  const answer = await logInForToken({
    issuerUrl: `${config.publicUrl}/realms/medusa`,
    username,
    password: user.password,
    redirectUri: `${config.publicUrl}/`,
  });
  process.stdout.write(`${answer.access_token}\n`);
}

try {
  await main();
} catch (error) {
  const { message, cause } = error as Error;
  process.stderr.write(`${message}${cause instanceof Error ? `: ${cause.message}` : ''}\n`);
  process.exitCode = 1;
}
