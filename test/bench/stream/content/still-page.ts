import type { Browser } from '@playwright/test';
import { PNG } from 'pngjs';
import type { Size } from './gray.ts';

/** A reading room's screen at rest, as bytes of red, green and blue: lists, small text, buttons, thin lines, colours. */
export async function drawStillPage(browser: Browser, size: Size): Promise<Buffer> {
  const context = await browser.newContext({ viewport: size });
  try {
    const page = await context.newPage();
    await page.setContent(html());
    const { data } = PNG.sync.read(await page.screenshot());
    return Buffer.from(data.filter((_, index) => index % 4 !== 3));
  } finally {
    await context.close();
  }
}

function html(): string {
  const rows = Array.from(
    { length: 60 },
    (_, row) =>
      `<tr><td>${String(100_000 + row * 7_919)}</td><td>CT chest with contrast, 1.0 mm</td><td>2026-11-${String(1 + (row % 28)).padStart(2, '0')}</td>
       <td class="s${row % 3}">${['new', 'being read', 'signed'][row % 3] ?? ''}</td><td>${(row * 37) % 512} images</td></tr>`,
  );
  const tools = ['Window', 'Zoom', 'Pan', 'Length', 'Angle', 'Ellipse', 'Probe', 'Cine', 'Reset', 'Report']
    .map((name) => `<button>${name}</button>`)
    .join('');
  return `<style>
    body { margin: 0; background: #1b1f24; color: #d7dde3; font: 13px sans-serif }
    header { padding: 6px 12px; background: #2b323a; border-bottom: 1px solid #48525d }
    button { margin-right: 6px; background: #3a6ea5; color: white; border: 1px solid #75a3d1; border-radius: 3px; font: 12px sans-serif }
    table { width: 100%; border-collapse: collapse } td { padding: 3px 12px; border-bottom: 1px solid #323a43 }
    tr:nth-child(5n) { background: #22405c } .s0 { color: #7ee081 } .s1 { color: #ffc861 } .s2 { color: #8a97a5 }
  </style><header>${tools}</header><table>${rows.join('')}</table>`;
}
