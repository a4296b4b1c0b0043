import { createHash, timingSafeEqual } from 'node:crypto';
import { Client, type ClientChannel } from 'ssh2';
import { ProviderError } from '../../port/index.ts';

export type ConnectionSettings = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Of the host's key, as `ssh-keygen -l` writes it: `SHA256:…`. */
  readonly fingerprint: string;
  readonly privateKey: string;
  readonly passphrase?: string | undefined;
  readonly connectMs: number;
};

/** One SSH connection (RFC 4251–4254), opened when it is needed and anew when it broke. */
export type Connection = AsyncDisposable & {
  /**
   * Runs a command line of the settings' own words, with data on its standard input alone.
   * @throws ProviderError `transient` when it was never sent, `auth`, or `unknown-outcome` when the connection broke after that.
   */
  execute(commandLine: string, input: string, signal: AbortSignal): Promise<string>;
};

const answerBytes = 8 * 1024 * 1024;

export function openConnection(settings: ConnectionSettings): Connection {
  let current: Promise<Client> | undefined;

  const connected = async (): Promise<Client> => {
    current ??= connect(settings, () => (current = undefined));
    return current;
  };

  return {
    async execute(commandLine, input, signal) {
      signal.throwIfAborted();
      const client = await connected();
      signal.throwIfAborted();
      const channel = await openChannel(client, commandLine);
      return converse(channel, input, signal);
    },
    async [Symbol.asyncDispose]() {
      const client = await current?.catch(() => undefined);
      if (!client) return;
      const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
      client.end();
      await closed;
    },
  };
}

async function connect(settings: ConnectionSettings, onGone: () => void): Promise<Client> {
  const { host, port, user, privateKey, passphrase, connectMs } = settings;
  const client = new Client();
  return new Promise((resolve, reject) => {
    let shownKey: string | undefined;
    client.once('ready', () => resolve(client));
    client.on('error', (cause: Error & { level?: string }) => {
      onGone();
      const isStranger = shownKey !== undefined && shownKey !== settings.fingerprint;
      reject(isStranger ? stranger(settings, shownKey ?? '') : failureOf(cause, settings));
    });
    client.once('close', () => {
      onGone();
      reject(new ProviderError('transient', `${host} closed the connection`));
    });
    try {
      client.connect({
        ...{ host, port, username: user, privateKey, readyTimeout: connectMs },
        ...(passphrase === undefined ? {} : { passphrase }),
        ...{ keepaliveInterval: 15_000, keepaliveCountMax: 3 },
        // Whoever shows another key is not the host, whatever he says: there is no trust on first use.
        hostVerifier: (key: Buffer) => {
          shownKey = fingerprintOf(key);
          return isSame(shownKey, settings.fingerprint);
        },
      });
    } catch (cause) {
      onGone();
      // The key cannot be read: ssh2 says so before it connects.
      reject(new ProviderError('auth', 'The private key cannot be read', { cause }));
    }
  });
}

export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

function isSame(shown: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(shown), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function stranger({ host, fingerprint }: ConnectionSettings, shown: string): ProviderError {
  return new ProviderError('auth', `${host} shows the host key ${shown}, not ${fingerprint}`);
}

function failureOf(cause: Error & { level?: string }, { host, user }: ConnectionSettings): ProviderError {
  if (cause.level === 'client-authentication')
    return new ProviderError('auth', `${host} refuses the key of ${user}`, { cause });
  return new ProviderError('transient', `${host} cannot be reached: ${cause.message}`, { cause });
}

async function openChannel(client: Client, commandLine: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(commandLine, (error, channel) => {
      if (error)
        reject(
          new ProviderError('transient', `The host opens no channel: ${error.message}`, { cause: error }),
        );
      else resolve(channel);
    });
  });
}

async function converse(channel: ClientChannel, input: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    let isEnded = false;
    const stop = (): void => {
      channel.close();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
    channel.on('data', (part: Buffer) => {
      size += part.byteLength;
      parts.push(part);
      if (size > answerBytes) {
        channel.close();
        reject(new ProviderError('unknown-outcome', `The host's answer exceeds ${answerBytes} bytes`));
      }
    });
    channel.stderr.resume();
    channel.once('exit', () => (isEnded = true));
    channel.on('error', () => undefined);
    channel.once('close', () => {
      signal.removeEventListener('abort', stop);
      if (isEnded) resolve(Buffer.concat(parts).toString('utf8'));
      else reject(new ProviderError('unknown-outcome', 'The connection broke before the host had answered'));
    });
    channel.end(input);
  });
}
