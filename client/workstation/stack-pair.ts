import type { Viewpoint, ViewportState } from '@medusa/protocol';
import type { Rendering } from './cornerstone.ts';
import type { Display, ToolName } from './display.ts';
import type { VoiWindow } from './presets.ts';
import { hasSecondScreen, onScreensChanged } from './screens.ts';
import { StackDisplay, type DisplayOptions } from './stack-display.ts';

/**
 * One series, and where the page lies on two screens a second time on the other one: there it is turned through by itself, beside the slice
 * of the first. Tool, window and inversion are of both.
 */
export class StackPair implements Display {
  readonly layout = 'stack';
  readonly isMaximised = false;
  readonly #options: DisplayOptions;
  readonly #rendering: Rendering;
  readonly #first: StackDisplay;
  readonly #stop: () => void;
  #second: StackDisplay | null = null;
  #tool: ToolName;
  #isInverted: boolean;

  static create(options: DisplayOptions, rendering: Rendering, index: number): StackPair {
    return new StackPair(options, rendering, index);
  }

  private constructor(options: DisplayOptions, rendering: Rendering, index: number) {
    this.#options = options;
    this.#rendering = rendering;
    this.#tool = options.tool;
    this.#isInverted = options.resumed?.isInverted ?? false;
    this.#first = StackDisplay.create(options, rendering, index);
    this.#stop = onScreensChanged(() => this.#follow());
    if (hasSecondScreen()) this.#second = this.#open();
  }

  get activeViewportId(): string {
    return this.#first.activeViewportId;
  }

  get window(): VoiWindow | null {
    return this.#first.window;
  }

  get sliceIndex(): number {
    return this.#first.sliceIndex;
  }

  /** The first one has to be shown; the second comes when it is. */
  states(): readonly ViewportState[] | null {
    const first = this.#first.states();
    return first && [...first, ...(this.#second?.states() ?? [])];
  }

  viewpoints(): readonly Viewpoint[] {
    return this.#first.viewpoints();
  }

  setTool(tool: ToolName): void {
    this.#tool = tool;
    for (const display of this.#both) display.setTool(tool);
  }

  setWindow(window: VoiWindow | null): void {
    for (const display of this.#both) display.setWindow(window);
  }

  toggleInvert(): void {
    this.#isInverted = !this.#isInverted;
    for (const display of this.#both) display.toggleInvert();
  }

  scroll(slices: number): void {
    this.#first.scroll(slices);
  }

  reset(): void {
    this.#isInverted = false;
    for (const display of this.#both) display.reset();
  }

  resize(): void {
    for (const display of this.#both) display.resize();
  }

  close(): void {
    this.#stop();
    for (const display of this.#both) display.close();
  }

  get #both(): readonly StackDisplay[] {
    return this.#second ? [this.#first, this.#second] : [this.#first];
  }

  #follow(): void {
    if (hasSecondScreen() === (this.#second !== null)) return;
    if (this.#second) {
      this.#second.close();
      this.#second = null;
    } else this.#second = this.#open();
    this.#first.resize();
    this.#options.onChange();
  }

  #open(): StackDisplay {
    const { window } = this.#first;
    const options = { ...this.#options, tool: this.#tool, window, resumed: null, isSecond: true };
    const second = StackDisplay.create(options, this.#rendering, this.#first.sliceIndex);
    if (this.#isInverted) second.toggleInvert();
    return second;
  }
}
