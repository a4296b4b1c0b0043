export { FloorButton } from './floor-button.tsx';
export { FloorToast } from './floor-toast.tsx';
export { JoinPage } from './join-page.tsx';
export { PointerLayer } from './pointer-layer.tsx';
export { useRoomNews } from './use-room-news.ts';
export { RoomPanel } from './room-panel.tsx';
