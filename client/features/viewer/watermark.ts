const widthPx = 420;
const heightPx = 190;

/** Local time to the minute, with the day: what a photograph of the screen has to tell. */
export function watermarkText(name: string, now: Date): string {
  const two = (value: number): string => `${value}`.padStart(2, '0');
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  return `${name} · ${day} ${two(now.getHours())}:${two(now.getMinutes())}`;
}

/** A picture to be tiled: read on black as on white, and too faint to be taken for a finding. */
export function watermarkTile(text: string): string {
  const escaped = text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${widthPx}" height="${heightPx}">` +
    `<text x="50%" y="50%" transform="rotate(-18 ${widthPx / 2} ${heightPx / 2})" text-anchor="middle" ` +
    `font-family="sans-serif" font-size="15" fill="#fff" fill-opacity="0.16" stroke="#000" ` +
    `stroke-opacity="0.12" stroke-width="2" paint-order="stroke">${escaped}</text></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
