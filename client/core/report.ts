/**
 * Where a fault goes that nobody awaits: the browser's own error event, as for an uncaught error.
 * A listener's fault must never stop the picture.
 */
export function reportFault(error: unknown): void {
  reportError(error);
}
