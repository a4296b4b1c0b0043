import { Badge, Group, Popover, ScrollArea, Stack, Text, Tooltip } from '@mantine/core';
import type { KeyImage, SessionId } from '@medusa/protocol';
import { IconPhotoStar, IconLibraryPhoto } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { errorText } from '../../ui/error-text.ts';
import { useServices } from '../../ui/services.tsx';
import { BarButton } from './bar-button.tsx';
import { keyImagesKey } from './use-key-images.ts';

const text = strings.keyImages;
const colours: Readonly<Record<KeyImage['pixels']['state'], string>> = {
  moving: 'gray',
  refining: 'yellow',
  verified: 'teal',
  mismatch: 'red',
  lossy: 'orange',
  local: 'blue',
};

type Props = { readonly sessionId: SessionId; readonly note: () => void; readonly canNote: boolean };

/** Marks the image, and lists those that were marked or measured on. */
export function KeyImageButtons({ sessionId, note, canNote }: Props): ReactNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      {canNote && (
        <BarButton
          label={text.note}
          act={note}
          testId="key-image-button"
          icon={<IconPhotoStar size={18} />}
        />
      )}
      <Popover opened={isOpen} onChange={setOpen} position="bottom-end" width={360} shadow="md">
        <Popover.Target>
          <div>
            <BarButton
              label={text.show}
              isOn={isOpen}
              act={() => setOpen(!isOpen)}
              testId="key-images-button"
              icon={<IconLibraryPhoto size={18} />}
            />
          </div>
        </Popover.Target>
        <Popover.Dropdown data-testid="key-images">
          <Text size="xs" c="dimmed" tt="uppercase" fw={600} mb="xs">
            {text.title}
          </Text>
          {isOpen && <KeyImageList sessionId={sessionId} />}
        </Popover.Dropdown>
      </Popover>
    </>
  );
}

function KeyImageList({ sessionId }: { sessionId: SessionId }): ReactNode {
  const { api } = useServices();
  const found = useQuery({
    queryKey: keyImagesKey(sessionId),
    queryFn: async ({ signal }) => api.keyImages.list(sessionId, signal),
  });
  if (found.isError)
    return (
      <Text size="sm" c="red.4" role="alert">
        {text.failed}: {errorText(found.error).title}
      </Text>
    );
  if (!found.data) return <Text size="sm">{strings.common.unknown}</Text>;
  if (found.data.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {text.none}
      </Text>
    );
  return (
    <ScrollArea.Autosize mah={380} type="auto" offsetScrollbars>
      <Stack gap="sm">
        {found.data.map((image) => (
          <Row key={image.id} image={image} />
        ))}
      </Stack>
    </ScrollArea.Autosize>
  );
}

function whereOf({ layout, sliceIndex, sliceCount }: KeyImage['image']): string {
  if (layout === 'mpr') return text.plane;
  return (layout === 'slide' ? text.level : text.slice)(sliceIndex + 1, sliceCount);
}

function Row({ image: noted }: { image: KeyImage }): ReactNode {
  const { kind, image, pixels, measurement, by, at } = noted;
  const parts = [
    whereOf(image),
    ...(image.layout === 'slide' ? [] : [text.window(image.windowCenter, image.windowWidth)]),
    ...(measurement ? [text.length(measurement.lengthMm)] : []),
  ];
  const meaning = [text.statesMeaning, ...(pixels.sha256 === null ? [] : [text.hash(pixels.sha256)])];
  return (
    <div data-testid="key-image" data-kind={kind} data-state={pixels.state}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="sm" fw={500}>
          {text.kinds[kind]}
        </Text>
        <Tooltip label={meaning.join(' ')} multiline maw={340}>
          <Badge size="sm" radius="sm" variant="light" color={colours[pixels.state]} tt="none">
            {text.states[pixels.state]}
          </Badge>
        </Tooltip>
      </Group>
      <Text size="sm" className="medusa-numeric">
        {parts.join(' · ')}
      </Text>
      <Text size="xs" c="dimmed" className="medusa-numeric">
        {by} · {new Date(at).toLocaleString()}
      </Text>
    </div>
  );
}
