/** What administrators read about objects that a storage node keeps and serves to nobody. */
export const quarantineStrings = {
  title: 'Quarantine',
  none: 'Nothing is in quarantine.',
  failed: 'The quarantine cannot be shown',
  shown: (shown: number, total: number): string => `The newest ${shown} of ${total}`,
  received: 'Received',
  from: 'From',
  reason: 'Reason',
  state: { waiting: 'waits for the scanner', held: 'held' },
  size: 'Size',
  times: 'Times sent',
  hash: 'SHA-256',
  instance: 'SOP Instance UID',
  release: 'Release',
  releaseTitle: 'Release this object?',
  releaseWarning: (reason: string): string =>
    `It was held because: ${reason}. It will be stored as it is, and be open to everybody who may see its study.`,
  remove: 'Delete',
  removeTitle: 'Delete this object?',
  removeWarning: 'Its bytes are gone for good. Whether the sender still has it, this page does not know.',
} as const;
