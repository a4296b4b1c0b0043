/** A second window of the viewer, for another monitor. */
export const secondScreenStrings = {
  open: 'Second screen: use another monitor too (Ctrl Alt S)',
  close: 'Close the second screen (Ctrl Alt S)',
  windowTitle: (study: string): string => `${study} · second screen`,
  preparing: 'The display is made wide enough for both screens',
  others: 'Who has control uses one screen',
  orphan: 'The first window is being loaded. When it stays away, close this one.',
  refused: 'The browser has not opened a second window',
  refusedHelp: 'Allow this page to open windows, and try again.',
} as const;
