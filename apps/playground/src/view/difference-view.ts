import { el, say } from './dom.ts';
import { whole } from './format.ts';
import type { TrainingHistory } from './history.ts';

/** How far the weights of the two runs are from each other. */
export class DifferenceView {
  /** Where the curve goes. */
  readonly curve = el('div');
  readonly #holder: HTMLElement;
  readonly #text = el('p');
  readonly #where = el('p', { className: 'help' });

  constructor(holder: HTMLElement) {
    this.#holder = holder;
    holder.append(el('h2', { id: 'difference-title' }, 'A beside B'), this.#text, this.#where, this.curve);
  }

  /** Hidden without a second run. */
  show(history: TrainingHistory | null, compare: boolean): void {
    this.#holder.hidden = !compare;
    const difference = history?.progress?.difference;
    if (!difference) {
      say(this.#text, 'The weights of both runs are compared at every step.');
      say(this.#where, 'One ulp is the distance from one float32 number to the next.');
      this.curve.hidden = true;
      return;
    }
    const { elements, differing, maxUlp, at, firstStep } = difference;
    this.curve.hidden = differing === 0;
    if (at === null) {
      say(this.#text, `The same to the bit: all ${whole(elements)} weights, 0 ulp.`);
      say(
        this.#where,
        firstStep === null ? 'After every step so far.' : `They were not after step ${whole(firstStep)}.`,
      );
      return;
    }
    const far = maxUlp === null ? 'one is NaN where the other is not' : `by at most ${whole(maxUlp)} ulp`;
    say(this.#text, `${whole(differing)} of ${whole(elements)} weights differ, ${far}.`);
    say(
      this.#where,
      `First after step ${whole(firstStep ?? 1)}; most at ${at.variable}[${at.index}]: ${at.values[0]} and ${at.values[1]}.`,
    );
  }
}
