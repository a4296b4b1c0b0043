import { expect, test } from 'vitest';
import { parseParameters } from './parameters.ts';

test('a complete address is understood', () => {
  expect(parseParameters('?study=1.2.3&mode=local&rendering=webgl')).toEqual({
    study: '1.2.3',
    mode: 'local',
    rendering: 'webgl',
  });
});

test('each wrong or missing parameter is named', () => {
  const parsed = parseParameters('?study=abc&mode=streamed');

  expect(parsed).toEqual({
    complaints: [expect.stringContaining('study: ') as string, 'rendering: missing'],
  });
});
