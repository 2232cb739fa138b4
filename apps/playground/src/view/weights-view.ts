import type { FirstLayer, RunName } from '../training/messages.ts';
import { el, say } from './dom.ts';

const SIDE = 28;
const GAP = 1;

/** The first layer as pictures: one of 28 x 28 for each of its outputs. */
export class WeightsView {
  readonly #pictures = el('div', { className: 'pictures' });
  #layers: readonly FirstLayer[] = [];

  constructor(holder: HTMLElement) {
    holder.append(
      el('h2', { id: 'weights-title' }, 'First layer'),
      el(
        'p',
        { className: 'help' },
        'What each unit looks for: ',
        el('span', { className: 'low' }, 'negative'),
        ' and ',
        el('span', { className: 'high' }, 'positive'),
        ' weights.',
      ),
      this.#pictures,
    );
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.show(this.#layers));
  }

  show(layers: readonly FirstLayer[]): void {
    this.#layers = layers;
    while (this.#pictures.childElementCount > layers.length) this.#pictures.lastElementChild!.remove();
    while (this.#pictures.childElementCount < layers.length) {
      this.#pictures.append(el('figure', {}, el('canvas', { role: 'img' }), el('figcaption')));
    }
    for (const [i, layer] of layers.entries()) {
      const figure = this.#pictures.children[i]!;
      paint(figure.querySelector('canvas')!, layer);
      say(figure.querySelector('figcaption')!, layers.length > 1 ? `Run ${layer.name.toUpperCase()}` : '');
    }
  }
}

const nameOf = (name: RunName): string => `run ${name.toUpperCase()}`;

function paint(canvas: HTMLCanvasElement, { name, kernel, outputs }: FirstLayer): void {
  const columns = outputs > 10 ? 16 : 5;
  const rows = Math.ceil(outputs / columns);
  const width = columns * (SIDE + GAP) - GAP;
  const height = rows * (SIDE + GAP) - GAP;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.setAttribute('aria-label', `The weights of ${outputs} units, ${nameOf(name)}`);
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(width, height);
  const [low, middle, high] = ['--low', '--middle', '--high'].map((colour) => components(canvas, colour)) as Colour[];
  const scale = 1 / (3 * rootMeanSquare(kernel) || 1);
  for (let unit = 0; unit < outputs; unit++) {
    const left = (unit % columns) * (SIDE + GAP);
    const top = Math.floor(unit / columns) * (SIDE + GAP);
    for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
      const share = Math.max(-1, Math.min(1, kernel[pixel * outputs + unit]! * scale));
      const end = share < 0 ? low! : high!;
      const at = 4 * ((top + Math.floor(pixel / SIDE)) * width + left + (pixel % SIDE));
      for (let i = 0; i < 3; i++) image.data[at + i] = middle![i]! + Math.abs(share) * (end[i]! - middle![i]!);
      image.data[at + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}

type Colour = readonly [number, number, number];

/** A colour of the style sheet as it is now. */
function components(element: HTMLElement, name: string): Colour {
  element.style.color = `var(${name})`;
  const [r, g, b] = getComputedStyle(element)
    .color.match(/[\d.]+/g)!
    .map(Number);
  return [r!, g!, b!];
}

function rootMeanSquare(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum / values.length);
}
