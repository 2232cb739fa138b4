import { el } from './dom.ts';

/** What went wrong, where it can't be overlooked, until it is dismissed or the next training starts. */
export class Notices {
  readonly #holder: HTMLElement;

  constructor(holder: HTMLElement) {
    this.#holder = holder;
  }

  add(kind: 'error' | 'warning', title: string, text: string): void {
    const close = el('button', { type: 'button', className: 'small' }, 'Dismiss');
    const notice = el(
      'div',
      { className: `notice ${kind}`, role: 'alert' },
      el('p', {}, el('b', {}, title), ` ${text}`),
      close,
    );
    close.addEventListener('click', () => notice.remove());
    this.#holder.append(notice);
  }

  clear(): void {
    this.#holder.replaceChildren();
  }
}
