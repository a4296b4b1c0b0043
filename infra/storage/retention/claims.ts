/** Content that is on its way in: it may be taken for something that lies here already, and must not be removed meanwhile. */
export interface Claims {
  take(sha256: string): Disposable;
  isHeld(sha256: string): boolean;
}

export function createClaims(): Claims {
  const held = new Map<string, number>();
  return {
    take(sha256) {
      held.set(sha256, (held.get(sha256) ?? 0) + 1);
      return {
        [Symbol.dispose]() {
          const left = (held.get(sha256) ?? 1) - 1;
          if (left > 0) held.set(sha256, left);
          else held.delete(sha256);
        },
      };
    },
    isHeld: (sha256) => held.has(sha256),
  };
}
