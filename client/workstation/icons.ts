/** Line drawings of 24 by 24, stroked in the colour of the text. */
const drawings = {
  WindowLevel:
    '<circle cx="12" cy="12" r="8.5"/><path d="M12 3.5a8.5 8.5 0 0 1 0 17z" fill="currentColor" stroke="none"/>',
  Zoom: '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5 21 21M10.5 7.5v6M7.5 10.5h6"/>',
  Pan: '<path d="M12 3v18M3 12h18M12 3 9.5 5.5M12 3l2.5 2.5M12 21l-2.5-2.5M12 21l2.5-2.5M3 12l2.5-2.5M3 12l2.5 2.5M21 12l-2.5-2.5M21 12l-2.5 2.5"/>',
  StackScroll: '<path d="M4 9.5 12 5l8 4.5-8 4.5zM4 13.5 12 18l8-4.5"/>',
  Length: '<path d="M4 20 20 4M3 17l4 4M17 3l4 4M9.5 13.5l1.5 1.5M13.5 9.5l1.5 1.5"/>',
  Crosshairs: '<path d="M12 3v6M12 15v6M3 12h6M15 12h6"/><circle cx="12" cy="12" r="1" fill="currentColor"/>',
  invert:
    '<rect x="4" y="4" width="16" height="16" rx="2"/><path d="M20 4v14a2 2 0 0 1-2 2H4z" fill="currentColor" stroke="none"/>',
  reset: '<path d="M5 12a7.5 7.5 0 1 0 2.5-5.600M5 4v4.5h4.5"/>',
  rail: '<rect x="3.5" y="4.5" width="17" height="15" rx="1.5"/><path d="M9 4.5v15"/>',
  stack: '<rect x="4" y="4" width="16" height="16" rx="1.5"/>',
  mpr: '<rect x="4" y="4" width="16" height="16" rx="1.5"/><path d="M13.5 4v16M13.5 12H20"/>',
} as const;

export type IconName = keyof typeof drawings;

export function createIcon(name: IconName): SVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.innerHTML = drawings[name];
  return svg;
}
