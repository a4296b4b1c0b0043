import type { Page } from '@playwright/test';
import type { Size } from '../content/gray.ts';
import type { Stage } from '../stage.ts';

/** A way to see a program's window in a browser, with the program in it. */
export type Contender = AsyncDisposable & {
  readonly caFile: string | null;
  /** Processes that stand for the server's side: these and all below them. */
  serverPids(): readonly number[];
  /** Opens the picture in the page, as large as the program's window, and gives it the keyboard. */
  show(page: Page): Promise<void>;
  /** Of the element that holds the picture. */
  readonly pictureSelector: string;
  /** Of one that lies over it while it is visible, or null. */
  readonly coverSelector: string | null;
};

export type ContenderOptions = {
  readonly stage: Stage;
  readonly size: Size;
  /** Where it has to listen. */
  readonly address: string;
};
