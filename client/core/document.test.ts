import { expect, it } from 'vitest';
import { documentCall, formOf } from './document.ts';

it.each([
  ['{"a":1}', 'json'],
  ['\n  [1]', 'json'],
  ['<a/>', 'xml'],
  ['', 'xml'],
])('%j is taken for %s', (text, form) => {
  expect(formOf(text)).toBe(form);
});

it('a document is sent as it was written, with its media type', () => {
  expect(documentCall('<a/>')).toEqual({ method: 'POST', body: '<a/>', type: 'application/xml' });
  expect(documentCall('{}')).toMatchObject({ body: '{}', type: 'application/json' });
});
