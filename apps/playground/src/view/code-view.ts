import type { Snippet } from '../settings/snippet.ts';
import { el, say } from './dom.ts';

/** Comments, strings, words of the language, numbers. */
const TOKENS =
  /(\/\/.*)|('[^'\n]*')|\b(import|from|const|new|for|let|of|await|return|true|false|null)\b|\b(\d[\d.e-]*)\b/g;
const KINDS = ['comment', 'string', 'word', 'number'] as const;

/** The code to copy. */
export class CodeView {
  readonly #title = el('h2', { id: 'code-title' });
  readonly #code = el('code');
  readonly #note = el('span', { className: 'help', role: 'status' });
  readonly #install = el('code');
  #text = '';

  constructor(holder: HTMLElement) {
    const copy = el('button', { type: 'button', className: 'small' }, 'Copy');
    copy.addEventListener('click', () => void this.#copy());
    holder.append(
      el('div', { className: 'heading' }, this.#title, el('span', { className: 'row' }, this.#note, copy)),
      el(
        'p',
        { className: 'help' },
        'A program of its own: save it as ',
        el('code', {}, 'sgd.mjs'),
        ', run ',
        this.#install,
        ' there, and start it with Node, or in a page where it needs a GPU.',
      ),
      el('pre', { tabIndex: 0, role: 'region', 'aria-label': 'Program' }, this.#code),
    );
  }

  show(title: string, { text, packages }: Snippet): void {
    say(this.#title, title);
    say(this.#install, `npm i ${packages.join(' ')}`);
    if (text === this.#text) return;
    this.#text = text;
    say(this.#note, '');
    this.#code.replaceChildren(...highlighted(text));
  }

  async #copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.#text);
      say(this.#note, 'Copied');
    } catch {
      getSelection()!.selectAllChildren(this.#code); // no clipboard without HTTPS
      say(this.#note, 'Selected: copy it with Ctrl-C or ⌘C');
    }
  }
}

function highlighted(text: string): (HTMLElement | string)[] {
  const parts: (HTMLElement | string)[] = [];
  let end = 0;
  for (const match of text.matchAll(TOKENS)) {
    const kind = KINDS.find((_, i) => match[i + 1] !== undefined)!;
    parts.push(text.slice(end, match.index), el('span', { className: kind }, match[0]));
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}
