import { useMemo, useSyncExternalStore, type ReactNode } from 'react';
import { useServices } from '../../ui/services.tsx';
import { useStore } from '../../ui/use-store.ts';
import { watermarkText, watermarkTile } from './watermark.ts';

const minuteMs = 60_000;

/**
 * Who looks, and when, faintly over all of the picture: where the operator wants it. It is drawn by the page and lies above the
 * picture, whose own pixels stay what they are.
 */
export function WatermarkLayer(): ReactNode {
  const { config, login } = useServices();
  const { name } = useStore(login.state);
  const minute = useMinute();
  const text = watermarkText(name, new Date(minute * minuteMs));
  const tile = useMemo(() => watermarkTile(text), [text]);
  if (config.watermark !== true) return null;
  return (
    <div
      className="watermark"
      style={{ backgroundImage: `url("${tile}")` }}
      data-testid="watermark"
      data-text={text}
      aria-hidden
    />
  );
}

function useMinute(): number {
  return useSyncExternalStore(
    (changed) => {
      const timer = setInterval(changed, 1_000);
      return () => clearInterval(timer);
    },
    () => Math.floor(Date.now() / minuteMs),
  );
}
