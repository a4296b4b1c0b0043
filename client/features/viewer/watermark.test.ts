import { describe, expect, it } from 'vitest';
import { watermarkText, watermarkTile } from './watermark.ts';

describe('the watermark', () => {
  it('tells who and when', () => {
    expect(watermarkText('Dirk de Doctor', new Date(2026, 2, 4, 9, 5))).toBe(
      'Dirk de Doctor · 2026-03-04 09:05',
    );
  });

  it('takes a name for text, whatever it has in it', () => {
    const tile = decodeURIComponent(watermarkTile('"</text><script>&'));

    expect(tile).toContain('&#34;&#60;/text&#62;&#60;script&#62;&#38;</text>');
    expect(watermarkTile('"')).not.toContain('"');
  });
});
