import type { ReactNode } from 'react';
import type { Room } from '../../core/room.ts';
import type { Rectangle } from '../../stream/display-mapping.ts';
import { useStore } from '../../ui/use-store.ts';
import './rooms.css';

/** The others' pointers, named and coloured, over the picture. */
export function PointerLayer({ room, rectangle }: { room: Room; rectangle: Rectangle }): ReactNode {
  const pointers = useStore(room.pointers);
  const participants = useStore(room.view)?.participants ?? [];
  const you = useStore(room.you);
  const { left, top, width, height } = rectangle;
  return (
    <div className="pointer-layer" style={{ left, top, width, height }} aria-hidden>
      {participants.map(({ id, name, colour }) => {
        const pointer = pointers.get(id);
        if (!pointer || id === you) return null;
        return (
          <div
            key={id}
            className="pointer"
            data-testid="pointer"
            data-participant={id}
            style={{ transform: `translate(${pointer.x * width}px, ${pointer.y * height}px)`, color: colour }}
          >
            <svg width="18" height="22" viewBox="0 0 18 22">
              <path d="M1 1v17l5-4 3.4 7 3-1.5L9 13h7z" fill="currentColor" stroke="#000" strokeWidth="1.2" />
            </svg>
            <span className="pointer-name" style={{ background: colour }}>
              {name}
            </span>
          </div>
        );
      })}
    </div>
  );
}
