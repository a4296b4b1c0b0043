type Wanted = 'value' | 'value or end' | 'name' | 'name or end' | 'colon' | 'comma or end' | 'nothing';

const token =
  // eslint-disable-next-line no-control-regex -- a string of JSON must not have them
  /[ \t\n\r]*(?:("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|([{}[\],:]))/y;

/** Where a text stops being JSON (RFC 8259), in UTF-16 units, and what was expected there. Browsers name the place of some faults only. */
export function jsonSyntaxFault(text: string): { offset: number; message: string } | undefined {
  const open: ('{' | '[')[] = [];
  let wanted: Wanted = 'value';
  let offset = 0;
  for (;;) {
    token.lastIndex = offset;
    const found = token.exec(text);
    if (!found) break;
    const { 0: whole, 1: string, 3: mark } = found;
    const next = after(wanted, { open, mark: mark ?? (string === undefined ? 'scalar' : 'string') });
    if (next === undefined) break;
    wanted = next;
    offset += whole.length;
  }
  const rest = text.slice(offset);
  const stop = offset + (rest.length - rest.trimStart().length);
  if (wanted === 'nothing' && stop === text.length) return undefined;
  return { offset: stop, message: sentence(wanted, { isEnd: stop === text.length, open: open.at(-1) }) };
}

type Seen = { readonly open: ('{' | '[')[]; readonly mark: string };

const followers: Readonly<Record<Wanted, (seen: Seen) => Wanted | undefined>> = {
  value: begun,
  'value or end': begun,
  name: named,
  'name or end': named,
  colon: ({ mark }) => (mark === ':' ? 'value' : undefined),
  'comma or end': ({ open, mark }) => {
    if (mark !== ',') return undefined;
    return open.at(-1) === '{' ? 'name' : 'value';
  },
  nothing: () => undefined,
};

function after(wanted: Wanted, seen: Seen): Wanted | undefined {
  return seen.mark === '}' || seen.mark === ']' ? closed(wanted, seen) : followers[wanted](seen);
}

function named({ mark }: Seen): Wanted | undefined {
  return mark === 'string' ? 'colon' : undefined;
}

function closed(wanted: Wanted, { open, mark }: Seen): Wanted | undefined {
  if (!wanted.endsWith('or end') || open.at(-1) !== (mark === '}' ? '{' : '[')) return undefined;
  open.pop();
  return open.length === 0 ? 'nothing' : 'comma or end';
}

function begun({ mark, open }: Seen): Wanted | undefined {
  if (mark === ',' || mark === ':') return undefined;
  if (mark !== '{' && mark !== '[') return open.length === 0 ? 'nothing' : 'comma or end';
  open.push(mark);
  return mark === '{' ? 'name or end' : 'value or end';
}

function sentence(wanted: Wanted, found: { isEnd: boolean; open: '{' | '[' | undefined }): string {
  const end = found.open === '{' ? '}' : ']';
  const words: Readonly<Record<Wanted, string>> = {
    value: 'a value',
    'value or end': 'a value or ]',
    name: 'a name in quotation marks',
    'name or end': 'a name in quotation marks or }',
    colon: 'a colon',
    'comma or end': `a comma or ${end}`,
    nothing: 'nothing more',
  };
  return `${found.isEnd ? 'The text ends where' : 'Here'} ${words[wanted]} was expected`;
}
