import { el } from './dom.ts';

/** A tab and its panel. */
export interface Tab {
  readonly id: string;
  readonly title: string;
  readonly panel: HTMLElement;
}

/** Tabs as a keyboard expects them: one stop, arrows between them. */
export class Tabs {
  readonly element: HTMLElement;
  readonly #tabs: readonly (Tab & { readonly button: HTMLButtonElement })[];
  readonly #chosen: (id: string) => void;

  constructor(label: string, tabs: readonly Tab[], chosen: (id: string) => void) {
    this.#chosen = chosen;
    this.#tabs = tabs.map((tab) => {
      const button = el(
        'button',
        { type: 'button', role: 'tab', id: `tab-${tab.id}`, className: `tab ${tab.id}` },
        tab.title,
      );
      button.setAttribute('aria-controls', `panel-${tab.id}`);
      button.addEventListener('click', () => this.choose(tab.id));
      Object.assign(tab.panel, { id: `panel-${tab.id}` });
      tab.panel.setAttribute('role', 'tabpanel');
      tab.panel.setAttribute('aria-labelledby', button.id);
      return { ...tab, button };
    });
    this.element = el(
      'div',
      { role: 'tablist', className: 'tabs', 'aria-label': label },
      ...this.#tabs.map(({ button }) => button),
    );
    this.element.addEventListener('keydown', (event) => this.#move(event));
    this.#mark(tabs[0]!.id);
  }

  choose(id: string): void {
    this.#mark(id);
    this.#chosen(id);
  }

  #mark(id: string): void {
    for (const tab of this.#tabs) {
      const chosen = tab.id === id;
      tab.button.setAttribute('aria-selected', String(chosen));
      tab.button.tabIndex = chosen ? 0 : -1;
      tab.panel.hidden = !chosen;
    }
  }

  #move(event: KeyboardEvent): void {
    const now = this.#tabs.findIndex(({ button }) => button === document.activeElement);
    const steps: Readonly<Record<string, number>> = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: -1 };
    const next = steps[event.key];
    if (next === undefined || now < 0) return;
    const tab = this.#tabs.at(next % this.#tabs.length)!;
    event.preventDefault();
    this.choose(tab.id);
    tab.button.focus();
  }
}
