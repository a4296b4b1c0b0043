import x11, { type Display, type Extensions, type XClient } from 'x11';

/** What a client needs to reach one display. */
export type DisplayAddress = {
  readonly displayName: string;
  readonly cookie: Buffer;
};

/** A client of one X server. `lost` runs when the server goes away; X errors of single requests go to `report`. */
export class XConnection implements AsyncDisposable {
  readonly client: XClient;
  readonly root: number;
  readonly keycodes: { readonly first: number; readonly last: number };
  #isClosed = false;

  static async open(
    address: DisplayAddress,
    listeners: { report: (error: unknown) => void; lost?: () => void },
  ): Promise<XConnection> {
    const { promise, resolve, reject } = Promise.withResolvers<Display>();
    const client = x11.createClient(
      {
        display: address.displayName,
        auth: { name: 'MIT-MAGIC-COOKIE-1', data: address.cookie.toString('latin1') },
        shm: false,
      },
      (error, display) => (error ? reject(error) : resolve(display)),
    );
    client.on('error', (error: unknown) => listeners.report(error));
    const display = await promise;
    const connection = new XConnection(display);
    client.on('end', () => {
      if (!connection.#isClosed) listeners.lost?.();
      connection.#isClosed = true;
    });
    return connection;
  }

  private constructor(display: Display) {
    this.client = display.client;
    this.root = display.screen[0]?.root ?? 0;
    this.keycodes = { first: display.min_keycode, last: display.max_keycode };
  }

  async extension<Name extends keyof Extensions>(name: Name): Promise<Extensions[Name]> {
    const { promise, resolve, reject } = Promise.withResolvers<Extensions[Name]>();
    this.client.require(name, (error, extension) => (error ? reject(error) : resolve(extension)));
    return promise;
  }

  /** A window that nobody sees, for selections: they belong to windows. Tells of its properties. */
  createHiddenWindow(): number {
    const [inputOnly, copyFromParent] = [2, 0];
    const { client, root } = this;
    const window = client.AllocID();
    const eventMask = x11.eventMask['PropertyChange'] ?? 0;
    client.CreateWindow(window, root, -1, -1, 1, 1, 0, copyFromParent, inputOnly, copyFromParent, {
      eventMask,
    });
    return window;
  }

  /** Resolves when the server has carried out everything sent before. */
  async sync(): Promise<void> {
    await this.client.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    // A server that is gone never answers the goodbye.
    this.client.on('end', () => resolve(undefined));
    this.client.close(() => resolve(undefined));
    await promise;
  }
}
