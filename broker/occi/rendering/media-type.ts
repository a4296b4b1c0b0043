/** What we render, in the order of preference among what a client likes as much. */
export const mediaTypes = [
  'text/plain',
  'text/occi',
  'text/uri-list',
  'application/occi+json',
  'application/json',
] as const;
export type MediaType = (typeof mediaTypes)[number];

/** Of a Content-Type: parameters, charset above all, do not matter. undefined = one that we cannot read. */
export function mediaTypeOf(contentType: string): MediaType | undefined {
  const essence = contentType.split(';')[0]?.trim().toLowerCase();
  return mediaTypes.find((one) => one === essence);
}

/** The one to answer in (RFC 9110 §12.5.1); `text/plain` when nothing is asked for. undefined = none will do. */
export function chooseMediaType(accept: string | undefined): MediaType | undefined {
  if (accept === undefined || accept.trim() === '') return 'text/plain';
  const ranges = accept.split(',').map(rangeOf);
  const liked = mediaTypes
    .map((type) => ({ type, quality: qualityOf(type, ranges) }))
    .filter(({ quality }) => quality > 0);
  const best = Math.max(...liked.map(({ quality }) => quality));
  return liked.find(({ quality }) => quality === best)?.type;
}

type Range = { readonly pattern: string; readonly quality: number };

function rangeOf(text: string): Range {
  const [pattern = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  const quality = weight === undefined ? 1 : Number(weight.slice(2));
  return { pattern, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

/** The most specific range that fits decides. */
function qualityOf(type: MediaType, ranges: readonly Range[]): number {
  const [top = ''] = type.split('/');
  for (const pattern of [type, `${top}/*`, '*/*']) {
    const range = ranges.find((one) => one.pattern === pattern);
    if (range) return range.quality;
  }
  return 0;
}
