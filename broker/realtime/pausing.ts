/** Acts at once when asked, then not again before the pause is over: heartbeats come often. */
export function pausing(pauseMs: () => number, act: () => void): Disposable & { ask(): void } {
  let timer: NodeJS.Timeout | undefined;
  let isAskedAgain = false;
  const run = (): void => {
    isAskedAgain = false;
    act();
    timer = setTimeout(() => {
      timer = undefined;
      if (isAskedAgain) run();
    }, pauseMs());
  };
  return {
    ask: () => {
      if (timer) isAskedAgain = true;
      else run();
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
