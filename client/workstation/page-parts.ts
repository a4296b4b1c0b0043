/** An element of the page's own markup. @throws when the markup has none */
export function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element ${id}.`);
  return found;
}

/** In place of the page: why its address opens nothing. */
export function refuse(complaints: readonly string[]): void {
  const page = document.createElement('main');
  page.className = 'refusal';
  const title = document.createElement('h1');
  title.textContent = 'This address does not open a study';
  const list = document.createElement('ul');
  list.append(
    ...complaints.map((complaint) => {
      const item = document.createElement('li');
      item.textContent = complaint;
      return item;
    }),
  );
  page.append(title, list);
  document.body.replaceChildren(page);
}
