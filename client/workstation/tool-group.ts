import * as tools from '@cornerstonejs/tools';
import type { ToolName } from './display.ts';

const { Primary, Secondary, Auxiliary } = tools.Enums.MouseBindings;

interface ToolGroupOptions {
  readonly id: string;
  readonly renderingEngineId: string;
  readonly viewportIds: readonly string[];
  readonly toolNames: readonly ToolName[];
  /** The colour of the line that a viewport's plane draws in the others. */
  readonly lineColor?: (viewportId: string) => string;
}

export interface ToolGroup {
  /** The tool of the left button. Right drag zooms and middle drag pans whatever it is. */
  setTool(tool: ToolName): void;
  close(): void;
}

export function createToolGroup(options: ToolGroupOptions): ToolGroup {
  const { id, renderingEngineId, viewportIds, toolNames, lineColor } = options;
  const group = tools.ToolGroupManager.createToolGroup(id);
  if (!group) throw new Error(`There is a tool group ${id} already.`);
  const configurations: Partial<Record<ToolName, tools.Types.ToolConfiguration>> = {
    Length: { getTextLines: lengthText },
    Crosshairs: { getReferenceLineColor: lineColor },
  };
  for (const name of toolNames) group.addTool(name, configurations[name]);
  for (const viewportId of viewportIds) group.addViewport(viewportId, renderingEngineId);

  const setTool = (chosen: ToolName): void => {
    for (const name of toolNames) {
      const bindings = [
        ...(name === chosen ? [{ mouseButton: Primary }] : []),
        ...(name === 'Zoom' ? [{ mouseButton: Secondary }] : []),
        ...(name === 'Pan' ? [{ mouseButton: Auxiliary }] : []),
      ];
      if (bindings.length > 0) {
        // Cornerstone adds bindings to those a tool has already.
        group.setToolDisabled(name);
        group.setToolActive(name, { bindings });
      } else if (name === 'Length') group.setToolPassive(name);
      else if (name === 'Crosshairs') group.setToolEnabled(name);
      else group.setToolDisabled(name);
    }
  };

  return {
    setTool,
    close: () => {
      tools.ToolGroupManager.destroyToolGroup(id);
    },
  };
}

/** Whether a drag that Cornerstone announces is one of the left button. */
export function isPrimaryDrag(event: Event): boolean {
  const { detail } = event as CustomEvent<{ mouseButton?: number }>;
  return detail.mouseButton === Primary;
}

export const dragEvent = tools.Enums.Events.MOUSE_DRAG as string;

interface LengthOnImage {
  readonly cachedStats: Readonly<
    Record<string, { readonly length?: number; readonly unit?: string } | undefined>
  >;
}

/** Millimetres where the image has a spacing, else pixels: Cornerstone says which. */
function lengthText({ cachedStats }: LengthOnImage, targetId: string): string[] {
  const { length, unit = '' } = cachedStats[targetId] ?? {};
  return length === undefined ? [] : [`${length.toFixed(1)} ${unit}`];
}
