/** Writes a text that is still being fetched: browsers let a page begin only while the user's key is down. */
export async function writeClipboard(text: Promise<string>): Promise<void> {
  // Where the page's address is not a trustworthy one there is no clipboard, whatever the types say.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  if (!clipboard) throw new Error('This page has no clipboard');
  if (typeof ClipboardItem === 'undefined') {
    await clipboard.writeText(await text);
    return;
  }
  const type = 'text/plain';
  const blob = text.then((known) => new Blob([known], { type }));
  blob.catch(() => undefined);
  await clipboard.write([new ClipboardItem({ [type]: blob })]);
}
