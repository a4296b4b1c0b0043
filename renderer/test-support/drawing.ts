import { XConnection } from '../display/index.ts';
import type { DisplayAddress } from '../display/index.ts';

const overrideRedirect = 1;
const inputOutput = 1;

/** A plain X client for tests: windows of one colour, and a record of the events it gets. */
export class Drawing implements AsyncDisposable {
  readonly connection: XConnection;

  static async open(address: DisplayAddress): Promise<Drawing> {
    return new Drawing(
      await XConnection.open(address, {
        report: (error) => {
          throw error as Error;
        },
      }),
    );
  }

  private constructor(connection: XConnection) {
    this.connection = connection;
  }

  /** A mapped window without a window manager's say. */
  async window(
    rectangle: { x: number; y: number; width: number; height: number },
    values: { backgroundPixel: number; eventMask?: number },
  ): Promise<number> {
    const { client, root } = this.connection;
    const id = client.AllocID();
    const { x, y, width, height } = rectangle;
    client.CreateWindow(id, root, x, y, width, height, 0, 0, inputOutput, 0, {
      backgroundPixel: values.backgroundPixel,
      overrideRedirect,
      eventMask: values.eventMask ?? 0,
    });
    client.MapWindow(id);
    await this.connection.sync();
    return id;
  }

  async paint(window: number, backgroundPixel: number): Promise<void> {
    const { client } = this.connection;
    client.ChangeWindowAttributes(window, { backgroundPixel });
    client.ClearArea(window, 0, 0, 0, 0, 0);
    await this.connection.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]();
  }
}
