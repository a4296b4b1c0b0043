/** Text between displays and clipboards. */
export const transferStrings = {
  news: {
    'copy-denied': ['Copied within the session only', 'Your role may not take text out of it.'],
    'paste-denied': ['Not pasted', 'Your role may not bring text of this computer into the session.'],
    'files-denied': ['No files', 'Files cannot be brought into a session, nor taken out of one.'],
    'too-large': ['Too much text', 'A shorter part of it can be copied or pasted.'],
    blocked: ['Copied within the session only', 'The browser does not let this page write the clipboard.'],
    failed: ['Not transferred', 'The session did not answer. Please try again.'],
  },
  policy: 'Text and files of sessions',
  role: 'Role',
  application: 'Application',
  copy: 'Text out',
  paste: 'Text in',
  files: 'Files',
  allowed: 'allowed',
  denied: 'denied',
  byRole: 'as the role',
  most: (bytes: number): string =>
    `One text has at most ${Math.floor(bytes / 1024)} KiB. Each transfer is in the audit trail, without the text.`,
} as const;
