import { presets } from './presets.ts';
import { toolKeys, type Commands } from './toolbar.ts';

const slicesPerPage = 10;

/** What each key does. The names are those of KeyboardEvent.key, letters in lower case. */
function createKeyTable(commands: Commands): ReadonlyMap<string, () => void> {
  const scrolls: readonly (readonly [string, number])[] = [
    ['arrowup', -1],
    ['arrowleft', -1],
    ['arrowdown', 1],
    ['arrowright', 1],
    ['pageup', -slicesPerPage],
    ['pagedown', slicesPerPage],
  ];
  return new Map<string, () => void>([
    ...scrolls.map(([key, slices]) => [key, () => commands.scroll(slices)] as const),
    ...toolKeys.map(({ key, tool }) => [key, () => commands.chooseTool(tool)] as const),
    ...presets.map((preset) => [preset.key, () => commands.choosePreset(preset)] as const),
    ['escape', () => commands.chooseTool('WindowLevel')],
    [' ', commands.reset],
    ['home', commands.reset],
    ['i', commands.toggleInvert],
    ['t', commands.toggleRail],
    ['k', () => commands.chooseLayout('stack')],
    ['m', () => commands.chooseLayout('mpr')],
    ['delete', commands.removeSelected],
    ['backspace', commands.removeSelected],
  ]);
}

export function listenToKeys(page: Document, commands: Commands): void {
  const table = createKeyTable(commands);
  page.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || isForFocused(event)) return;
    const run = table.get(event.key.toLowerCase());
    if (!run) return;
    event.preventDefault();
    run();
  });
}

/** A focused button is pressed by its own keys, and the arrows walk through the series list. */
function isForFocused(event: KeyboardEvent): boolean {
  if (!(event.target instanceof HTMLButtonElement)) return false;
  const isInRail = event.target.closest('.rail') !== null;
  return event.key === ' ' || event.key === 'Enter' || (isInRail && /^Arrow(Up|Down)$/.test(event.key));
}
