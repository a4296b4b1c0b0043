import { Badge, Group, Text, Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import type { LatencySample } from '../../stream/latency-matcher.ts';
import type { Picture } from '../../stream/picture.ts';
import { useStore } from '../../ui/use-store.ts';

const text = strings.viewer;
const shownSamples = 20;

/** How the stream is doing, in a few quiet figures. */
export function StreamFigures({ picture }: { picture: Picture }): ReactNode {
  const statistics = useStore(picture.statistics);
  const layer = useStore(picture.layer);
  const grays = useStore(picture.display.grays);
  const encoder = useStore(picture.display.screen.encoder);
  const latencyMs = medianLatency(useStore(picture.latencySamples));
  return (
    <Group gap={12} wrap="nowrap" className="viewer-figures medusa-numeric">
      {layer === 'weak' && (
        <Tooltip label={text.reducedMeaning} multiline maw={340}>
          <Badge variant="light" color="orange" radius="sm" size="sm" data-testid="picture-reduced">
            {text.reduced}
          </Badge>
        </Tooltip>
      )}
      <Tooltip label={latencyMs === null ? text.latencyWaiting : text.latency}>
        <Text
          size="xs"
          fw={600}
          c="teal.4"
          data-testid="latency-value"
          data-latency-ms={latencyMs ?? undefined}
        >
          {latencyMs === null ? strings.common.unknown : text.ms(latencyMs)}
        </Text>
      </Tooltip>
      {statistics && (
        <>
          <Figure id="fps-value" value={text.fps(statistics.framesPerSecond)} />
          <Figure
            id="codec-value"
            value={encoder === null ? statistics.codec : text.codec(statistics.codec, encoder)}
          />
          {grays && (
            <Tooltip label={strings.pixels.graysMeaning(grays.levels, grays.worstError)} multiline maw={320}>
              <Text size="xs" c="dimmed" data-testid="grays-value" data-worst-error={grays.worstError}>
                {strings.pixels.grays(grays.levels, grays.worstError)}
              </Text>
            </Tooltip>
          )}
          <Figure id="size-value" value={`${statistics.widthPx} × ${statistics.heightPx}`} />
          <Figure id="kbps-value" value={text.kbps(statistics.kbps)} />
          <Tooltip label={text.transportMeaning[statistics.transport]} multiline maw={320}>
            <Text size="xs" c="dimmed" data-testid="transport-value" data-transport={statistics.transport}>
              {text.transports[statistics.transport]}
            </Text>
          </Tooltip>
          {statistics.protocol !== '' && <Figure id="protocol-value" value={statistics.protocol} />}
          {statistics.roundTripMs !== null && (
            <Figure id="rtt-value" value={text.roundTrip(statistics.roundTripMs)} />
          )}
        </>
      )}
    </Group>
  );
}

function Figure({ id, value }: { id: string; value: string }): ReactNode {
  return (
    <Text size="xs" c="dimmed" data-testid={id}>
      {value}
    </Text>
  );
}

function medianLatency(samples: readonly LatencySample[]): number | null {
  const sorted = samples
    .slice(-shownSamples)
    .map(({ totalMs }) => totalMs)
    .sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
