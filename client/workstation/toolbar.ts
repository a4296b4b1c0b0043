import type { Display, ToolName } from './display.ts';
import { createIcon, type IconName } from './icons.ts';
import { presets, type Preset } from './presets.ts';

/** What the user can ask for by the toolbar or by a key. */
export interface Commands {
  readonly chooseTool: (tool: ToolName) => void;
  readonly choosePreset: (preset: Preset) => void;
  readonly chooseLayout: (layout: Display['layout']) => void;
  readonly toggleInvert: () => void;
  readonly toggleRail: () => void;
  readonly reset: () => void;
  readonly scroll: (slices: number) => void;
  readonly removeSelected: () => void;
}

/** What the toolbar shows as chosen and as possible. */
interface ToolbarState {
  readonly tool: ToolName;
  readonly layout: Display['layout'];
  readonly isInverted: boolean;
  readonly hasPicture: boolean;
  /** The presets are in Hounsfield units. */
  readonly isCt: boolean;
  /** Why MPR cannot be had, '' where it can. */
  readonly mprRefusal: string;
}

export const toolKeys: readonly { readonly tool: ToolName; readonly key: string; readonly name: string }[] = [
  { tool: 'WindowLevel', key: 'w', name: 'Window / level' },
  { tool: 'Zoom', key: 'z', name: 'Zoom' },
  { tool: 'Pan', key: 'p', name: 'Pan' },
  { tool: 'StackScroll', key: 's', name: 'Scroll' },
  { tool: 'Length', key: 'l', name: 'Length' },
  { tool: 'Crosshairs', key: 'c', name: 'Crosshairs' },
];

const layoutTitles = { stack: 'One slice at a time (K)', mpr: 'Axial, coronal, sagittal (M)' } as const;

export interface Toolbar {
  show(state: ToolbarState): void;
}

export function createToolbar(root: HTMLElement, commands: Commands): Toolbar {
  const rail = button({ icon: 'rail', title: 'Series list (T)', run: commands.toggleRail });
  const toolButtons = toolKeys.map(({ tool, key, name }) => ({
    tool,
    element: button({
      icon: tool,
      title: `${name} (${key.toUpperCase()})`,
      run: () => {
        commands.chooseTool(tool);
      },
    }),
  }));
  const invert = button({ icon: 'invert', title: 'Invert (I)', run: commands.toggleInvert });
  const reset = button({ icon: 'reset', title: 'Reset (Space)', run: commands.reset });
  const layoutButtons = (['stack', 'mpr'] as const).map((layout) => ({
    layout,
    element: button({
      icon: layout,
      label: layout === 'stack' ? 'Stack' : 'MPR',
      title: layoutTitles[layout],
      run: () => {
        commands.chooseLayout(layout);
      },
    }),
  }));
  const presetButtons = presets.map((preset) =>
    button({
      label: preset.name,
      badge: preset.key,
      title: `${preset.window ? `W ${preset.window.width}  L ${preset.window.center}` : 'As the image says'} (${preset.key})`,
      run: () => {
        commands.choosePreset(preset);
      },
    }),
  );
  const layoutGroup = layoutButtons.map(({ element }) => element);
  root.append(
    group(rail),
    group(...toolButtons.map(({ element }) => element)),
    group(invert, reset),
    group(...layoutGroup),
    group(...presetButtons),
  );

  return {
    show: ({ tool, layout, isInverted, hasPicture, isCt, mprRefusal }) => {
      for (const each of toolButtons) {
        press(each.element, each.tool === tool);
        each.element.disabled = !hasPicture;
        each.element.hidden = each.tool === 'Crosshairs' && layout !== 'mpr';
      }
      press(invert, isInverted);
      invert.disabled = reset.disabled = !hasPicture;
      for (const each of layoutButtons) {
        const refusal = each.layout === 'mpr' ? mprRefusal : '';
        press(each.element, each.layout === layout);
        each.element.disabled = !hasPicture || refusal !== '';
        each.element.title = refusal || layoutTitles[each.layout];
      }
      enablePresets(presetButtons, hasPicture, isCt);
    },
  };
}

function enablePresets(buttons: readonly HTMLButtonElement[], hasPicture: boolean, isCt: boolean): void {
  for (const [index, element] of buttons.entries()) element.disabled = !hasPicture || (index > 0 && !isCt);
}

interface ButtonOptions {
  readonly icon?: IconName;
  readonly label?: string;
  readonly badge?: string;
  readonly title: string;
  readonly run: () => void;
}

function button({ icon, label, badge, title, run }: ButtonOptions): HTMLButtonElement {
  const element = document.createElement('button');
  element.type = 'button';
  element.title = title;
  element.setAttribute('aria-label', label ?? title);
  if (icon) element.append(createIcon(icon));
  if (badge) {
    const key = document.createElement('kbd');
    key.textContent = badge;
    element.append(key);
  }
  if (label) element.append(label);
  element.addEventListener('click', (event) => {
    // A click of the mouse leaves the keys to the picture; a press of the keyboard leaves the focus where it is.
    if (event.detail > 0) element.blur();
    run();
  });
  return element;
}

function group(...elements: readonly HTMLElement[]): HTMLElement {
  const element = document.createElement('div');
  element.className = 'group';
  element.append(...elements);
  return element;
}

function press(element: HTMLButtonElement, isPressed: boolean): void {
  element.setAttribute('aria-pressed', String(isPressed));
}
