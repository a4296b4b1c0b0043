/** Whether an operation goes on. Its signal is made for who asks: most operations, those of C-STORE, are never cancelled. */
export type Cancel = { signal(): AbortSignal; abort(): void };

export function createCancel(): Cancel {
  let controller: AbortController | undefined;
  let isAborted = false;
  return {
    signal() {
      controller ??= new AbortController();
      if (isAborted) controller.abort();
      return controller.signal;
    },
    abort() {
      isAborted = true;
      controller?.abort();
    },
  };
}
