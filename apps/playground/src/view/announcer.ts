/** Milliseconds between two announcements of how it goes. */
const PAUSE = 8000;

/** Tells a screen reader what happens: events at once, figures now and then. */
export class Announcer {
  readonly #element: HTMLElement;
  #next = 0;

  constructor(element: HTMLElement) {
    this.#element = element;
  }

  /** An event. */
  tell(text: string): void {
    this.#element.textContent = text;
    this.#next = performance.now() + PAUSE;
  }

  /** How it goes: only if nothing was told for a while. */
  mention(text: () => string): void {
    if (performance.now() >= this.#next) this.tell(text());
  }
}
