import type { RunName } from '../training/messages.ts';
import { centred, SIDE } from './centre.ts';
import { el, say } from './dom.ts';
import { percent } from './format.ts';

const SIZE = 280;
const PEN = 22;

/** What the pad asks for. */
export interface PadEvents {
  /** Another drawing; `null`: it is empty. */
  drawn(pixels: Float32Array | null): void;
  /** A real test digit, please. */
  wanted(): void;
}

/** A pad to draw a digit on, or to take a real one, and what the networks see in it. */
export class Pad {
  readonly #canvas = el('canvas', {
    width: SIZE,
    height: SIZE,
    role: 'img',
    'aria-label': 'Pad: draw a digit with a pointer, or take a real one with the button below',
  });
  readonly #context = this.#canvas.getContext('2d', { willReadFrequently: true })!;
  readonly #note = el('p', { className: 'help' });
  readonly #bars = el('ol', { className: 'bars', start: 0 });
  readonly #verdict = el('p', { className: 'verdict' });
  readonly #events: PadEvents;
  /** Pointer that draws. */
  #pen: number | null = null;

  constructor(holder: HTMLElement, events: PadEvents) {
    this.#events = events;
    const button = (text: string, act: () => void): HTMLElement => {
      const element = el('button', { type: 'button', className: 'small' }, text);
      element.addEventListener('click', act);
      return element;
    };
    holder.append(
      el('h2', { id: 'pad-title' }, 'Try it'),
      el(
        'div',
        { className: 'drawing' },
        el(
          'div',
          {},
          el('div', { className: 'paper' }, this.#canvas),
          el(
            'div',
            { className: 'row' },
            button('A real digit', () => events.wanted()),
            button('Clear', () => this.clear()),
          ),
          this.#note,
        ),
        el('div', { className: 'answer' }, this.#verdict, this.#bars),
      ),
    );
    this.#listen();
    this.clear();
  }

  clear(): void {
    this.#context.clearRect(0, 0, SIZE, SIZE);
    say(this.#note, 'Draw a digit.');
    say(this.#verdict, '');
    this.seen([]);
    this.#events.drawn(null);
  }

  /** Shows a real digit. */
  show(pixels: Float32Array, label: number, number: number): void {
    const small = el('canvas', { width: SIDE, height: SIDE });
    const image = new ImageData(SIDE, SIDE);
    const [r, g, b] = this.#ink();
    for (const [i, value] of pixels.entries()) image.data.set([r, g, b, Math.round(255 * value)], 4 * i);
    small.getContext('2d')!.putImageData(image, 0, 0);
    this.#context.clearRect(0, 0, SIZE, SIZE);
    this.#context.imageSmoothingEnabled = false;
    this.#context.drawImage(small, 0, 0, SIZE, SIZE);
    say(this.#note, `Test digit ${number + 1}: somebody’s ${label}.`);
    this.#events.drawn(pixels);
  }

  /** Shows what the networks see; nothing: no bars. */
  seen(runs: readonly { readonly name: RunName; readonly probabilities: Float32Array }[]): void {
    const rows = Array.from({ length: 10 }, (_, digit) => {
      const bars = runs.map(({ name, probabilities }) => {
        const bar = el('span', { className: `bar ${name}` });
        bar.style.inlineSize = `${Math.round(100 * (probabilities[digit] || 0))}%`;
        return bar;
      });
      const texts = runs.map(({ probabilities }) => percent(probabilities[digit]));
      return el(
        'li',
        {},
        el('span', { className: 'track' }, ...bars),
        el('span', { className: 'hidden' }, texts.join(', ')),
      );
    });
    this.#bars.replaceChildren(...rows);
    say(this.#verdict, runs.map((run) => verdictOf(run, runs.length > 1)).join('\n'));
  }

  /** In words, what is seen now. */
  get verdict(): string {
    return this.#verdict.textContent ?? '';
  }

  #listen(): void {
    const canvas = this.#canvas;
    canvas.addEventListener('pointerdown', (event) => {
      if (this.#pen !== null || event.button !== 0) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      this.#pen = event.pointerId;
      this.#context.beginPath();
      this.#stroke(event);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (event.pointerId !== this.#pen) return;
      for (const each of event.getCoalescedEvents?.() ?? [event]) this.#stroke(each);
      this.#look();
    });
    const lift = (event: PointerEvent): void => {
      if (event.pointerId !== this.#pen) return;
      this.#pen = null;
      this.#look();
    };
    canvas.addEventListener('pointerup', lift);
    canvas.addEventListener('pointercancel', lift);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#recolour());
  }

  #stroke({ clientX, clientY }: PointerEvent): void {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    const context = this.#context;
    const [r, g, b] = this.#ink();
    Object.assign(context, { lineWidth: PEN, lineCap: 'round', lineJoin: 'round', strokeStyle: `rgb(${r} ${g} ${b})` });
    const x = ((clientX - left) / width) * SIZE;
    const y = ((clientY - top) / height) * SIZE;
    context.lineTo(x, y);
    context.stroke();
    context.beginPath();
    context.moveTo(x, y);
    say(this.#note, 'Your drawing, centred as the digits of MNIST are.');
  }

  #recolour(): void {
    const context = this.#context;
    const [r, g, b] = this.#ink();
    context.globalCompositeOperation = 'source-in';
    context.fillStyle = `rgb(${r} ${g} ${b})`;
    context.fillRect(0, 0, SIZE, SIZE);
    context.globalCompositeOperation = 'source-over';
  }

  #look(): void {
    const { data } = this.#context.getImageData(0, 0, SIZE, SIZE);
    const values = new Float32Array(SIZE * SIZE);
    for (let i = 0; i < values.length; i++) values[i] = data[4 * i + 3]! / 255;
    this.#events.drawn(centred({ width: SIZE, height: SIZE, values }));
  }

  #ink(): readonly [number, number, number] {
    const [r, g, b] = getComputedStyle(this.#canvas)
      .color.match(/[\d.]+/g)!
      .map(Number);
    return [r!, g!, b!];
  }
}

function verdictOf({ name, probabilities }: { name: RunName; probabilities: Float32Array }, several: boolean): string {
  const best = probabilities.indexOf(probabilities.reduce((a, b) => Math.max(a, b), -1));
  const who = several ? `${name.toUpperCase()} sees` : 'It sees';
  return best < 0 ? `${who} nothing: its weights are NaN.` : `${who} a ${best} (${percent(probabilities[best])}).`;
}
