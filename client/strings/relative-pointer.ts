/** The mouse held in the picture. */
export const relativePointerStrings = {
  button: 'Hold the mouse in the picture, e.g. to turn a volume (Ctrl Alt R; Esc lets go)',
  held: 'The mouse is held',
  heldHelp: 'Esc lets it go.',
  failed: 'The mouse is not held',
  failedHelp: 'The browser did not allow it. Please try again in a moment.',
} as const;
