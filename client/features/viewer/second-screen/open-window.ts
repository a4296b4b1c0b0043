/** Window Management API: where the browser has it and the user allows it, the window opens on the other screen by itself. */
type ScreenDetailed = {
  readonly availLeft: number;
  readonly availTop: number;
  readonly availWidth: number;
  readonly availHeight: number;
};
type ScreenDetails = { readonly screens: readonly ScreenDetailed[]; readonly currentScreen: ScreenDetailed };
type ManagedWindow = Window & { readonly getScreenDetails?: () => Promise<ScreenDetails> };

const rootId = 'second-screen';
const nameOf = (sessionId: string): string => `medusa-second-${sessionId}`;

/** What the user drags to the other screen where we may not put it there. */
const ownSize = { width: 1_000, height: 800 };

/** Null: the browser opens no window unless its user allows that. */
export async function openSecondWindow(sessionId: string): Promise<Window | null> {
  const other = await findOtherScreen();
  const place = other
    ? `left=${other.availLeft},top=${other.availTop},width=${other.availWidth},height=${other.availHeight}`
    : `width=${ownSize.width},height=${ownSize.height}`;
  return window.open('', nameOf(sessionId), `popup,${place}`);
}

/** The window that a page before this one has opened, as before a reload. */
export function findSecondWindow(sessionId: string): Window | null {
  const found = window.open('', nameOf(sessionId), 'popup');
  if (found && !found.document.getElementById(rootId)) {
    // It was none: this one has just been opened for nothing.
    found.close();
    return null;
  }
  return found;
}

/** Empty, in the colours of this page. */
export function furnish({ document: page }: Window, title: string): HTMLElement {
  page.title = title;
  const { documentElement } = document;
  for (const { name, value } of documentElement.attributes) page.documentElement.setAttribute(name, value);
  page.head.replaceChildren(
    ...Array.from(document.querySelectorAll('link[rel="stylesheet"], style'), (each) =>
      page.importNode(each, true),
    ),
  );
  const root = page.createElement('div');
  root.id = rootId;
  root.className = 'second-screen';
  page.body.replaceChildren(root);
  return root;
}

async function findOtherScreen(): Promise<ScreenDetailed | undefined> {
  const { getScreenDetails } = window as ManagedWindow;
  if (!getScreenDetails) return undefined;
  try {
    const { screens, currentScreen } = await getScreenDetails.call(window);
    return screens.find((screen) => screen !== currentScreen);
  } catch {
    // The user does not allow it.
    return undefined;
  }
}
