import type { ViewState } from '@medusa/protocol';
import { expect, test } from 'vitest';
import { createViewStateTeller } from './view-state.ts';

function screen() {
  const told: ViewState[] = [];
  const frames: (() => void)[] = [];
  const content = {
    studyInstanceUID: '1.2',
    layout: 'stack' as const,
    tool: 'WindowLevel',
    rendering: 'cpu' as const,
    activeViewportId: 'stack',
    ready: false,
    viewports: [],
    measurements: [],
  };
  const teller = createViewStateTeller(
    () => ({ ...content }),
    (view) => told.push(view),
    (frame) => frames.push(frame),
  );
  const drawFrame = () => {
    for (const frame of frames.splice(0)) frame();
  };
  return { told, content, teller, drawFrame };
}

test('many changes within a frame are told once, as they are at its end', () => {
  const { told, content, teller, drawFrame } = screen();

  teller.changed();
  content.tool = 'Zoom';
  teller.changed();
  drawFrame();

  expect(told.map(({ revision, tool }) => [revision, tool])).toEqual([[0, 'Zoom']]);
});

test('what did not change is not told again; what did has the next revision', () => {
  const { told, content, teller, drawFrame } = screen();

  teller.changed();
  drawFrame();
  teller.changed();
  drawFrame();
  content.ready = true;
  teller.changed();
  drawFrame();

  expect(told.map(({ revision, ready }) => [revision, ready])).toEqual([
    [0, false],
    [1, true],
  ]);
});
