export { FloorButton } from './floor-button.tsx';
export { FloorToast } from './floor-toast.tsx';
export { JoinPage } from './join-page.tsx';
export { PointerLayer } from './pointer-layer.tsx';
export { RoomPanel } from './room-panel.tsx';
