import { Badge, Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import type { PixelState, StillPicture } from '../../stream/still-picture.ts';
import { useServices } from '../../ui/services.tsx';
import { useStore } from '../../ui/use-store.ts';

const text = strings.pixels;
const colours: Readonly<Record<PixelState, string>> = {
  moving: 'gray',
  refining: 'yellow',
  verified: 'teal',
  mismatch: 'red',
  lossy: 'orange',
};

/** Whether what is seen is what the workstation drew. Pressed, it has it proven once more. */
export function PixelStateBadge({ still }: { still: StillPicture }): ReactNode {
  const { config } = useServices();
  const state = useStore(still.state);
  const scale = useStore(still.scale);
  const mismatches = useStore(still.mismatches);
  const word = scale === 1 ? text.words[state] : text.scaled(text.words[state], scale);
  const meaning = [
    text.meanings[state],
    ...(scale === 1 ? [] : [text.scaledMeaning]),
    ...(config.watermark === true ? [text.watermark] : []),
    ...(mismatches === 0 ? [] : [text.mismatches(mismatches)]),
  ].join(' ');
  return (
    <Tooltip label={meaning} multiline maw={340}>
      <Badge
        component="button"
        type="button"
        variant="light"
        radius="sm"
        size="sm"
        color={colours[state]}
        className="pixel-state"
        aria-label={`${text.label}: ${word}. ${meaning}`}
        onClick={() => still.check()}
        data-testid="picture-state"
        data-state={state}
        data-mismatches={mismatches}
      >
        {word}
      </Badge>
    </Tooltip>
  );
}
