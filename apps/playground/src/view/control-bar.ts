import type { Phase } from '../training/messages.ts';
import { el, say } from './dom.ts';

/** What the buttons ask for. */
export interface ControlEvents {
  train(): void;
  pause(): void;
  resume(): void;
  stop(): void;
  reset(): void;
}

/** The buttons, and how far the training is. No button is ever disabled, so that the keyboard never loses its place. */
export class ControlBar {
  readonly #go = el('button', { type: 'button', className: 'primary' }, 'Train');
  readonly #stop = el('button', { type: 'button' }, 'Stop');
  readonly #reset = el('button', { type: 'button' }, 'Reset');
  readonly #progress = el('progress', { max: 1, value: 0, 'aria-label': 'Progress of the training' });
  readonly #text = el('p');
  #phase: Phase = 'idle';

  constructor(buttons: HTMLElement, progress: HTMLElement, events: ControlEvents) {
    buttons.append(this.#go, this.#stop, this.#reset);
    progress.append(this.#progress, this.#text);
    this.#go.addEventListener('click', () => {
      if (this.#phase === 'training') events.pause();
      else if (this.#phase === 'paused') events.resume();
      else if (this.#phase !== 'starting') events.train();
    });
    const unless = (button: HTMLElement, act: () => void) => (): void => {
      if (button.getAttribute('aria-disabled') !== 'true') act();
    };
    this.#stop.addEventListener(
      'click',
      unless(this.#stop, () => events.stop()),
    );
    this.#reset.addEventListener(
      'click',
      unless(this.#reset, () => events.reset()),
    );
    this.show('idle', '', 0);
  }

  /** `share`: how much is done, from 0 to 1. */
  show(phase: Phase, text: string, share: number): void {
    this.#phase = phase;
    const names = {
      idle: 'Train',
      starting: 'Starting…',
      training: 'Pause',
      paused: 'Resume',
      ended: 'Train',
    } as const;
    say(this.#go, names[phase]);
    const runs = phase === 'starting' || phase === 'training' || phase === 'paused';
    this.#go.setAttribute('aria-disabled', String(phase === 'starting'));
    this.#stop.setAttribute('aria-disabled', String(!runs));
    this.#reset.setAttribute('aria-disabled', String(phase === 'idle'));
    this.#progress.value = share;
    say(this.#text, text);
  }
}
