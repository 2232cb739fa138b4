type Child = Node | string;

/** Properties and attributes: those with a dash, `role` and `for` are attributes. */
type Settings = Readonly<Record<string, unknown>>;

/** Makes an element. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  settings: Settings = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(settings)) {
    if (name.includes('-') || name === 'role' || name === 'for') element.setAttribute(name, String(value));
    else Object.assign(element, { [name]: value });
  }
  element.append(...children);
  return element;
}

/** The element of `index.html` with this id. */
export function byId(id: string): HTMLElement {
  return document.getElementById(id)!;
}

/** Writes the text of an element, if it is another one: a screen reader need not hear the same again. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
