const kinds = ['number', 'text', 'word', 'sign'] as const;

export type Token = {
  readonly kind: (typeof kinds)[number] | 'end';
  readonly value: string;
  /** Of its first character, from 0. */
  readonly at: number;
};

const pattern =
  /\s*(?:(?<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?%?)|(?<text>'[^']*'|"[^"]*")|(?<word>[A-Za-z_](?:[\w.:/-]*\w)?)|(?<sign><=|>=|==|!=|<>|&&|\|\||[<>=(),!]))/uy;

/** The words and signs of a condition, closed by an `end`; or where it cannot be read. */
export function tokenize(source: string): readonly Token[] | { readonly unreadableAt: number } {
  const tokens: Token[] = [];
  const end = source.trimEnd().length;
  let at = 0;
  while (at < end) {
    pattern.lastIndex = at;
    const groups: Readonly<Record<string, string | undefined>> | undefined = pattern.exec(source)?.groups;
    if (!groups) return { unreadableAt: at };
    const kind = kinds.find((candidate) => groups[candidate] !== undefined) ?? 'sign';
    const value = groups[kind] ?? '';
    at = pattern.lastIndex;
    tokens.push({ kind, value, at: at - value.length });
  }
  return [...tokens, { kind: 'end', value: '', at: end }];
}
