/**
 * The dynamic loss scale: doubled after `growthSteps` finite steps in a row, halved after each step that is not. In float32,
 * without bounds: it can reach 0 or infinity (Keras rule). With `growthSteps` 0 it never grows.
 *
 * Source: `keras.optimizers.LossScaleOptimizer`.
 */
export class LossScale {
  /** What gradients are divided by. */
  value: number;
  /** Finite steps since the scale last changed. */
  counter = 0;
  /** Of the optimizer that scales. */
  readonly name: string;
  readonly #growthSteps: number;

  constructor(name: string, initial: number, growthSteps: number) {
    this.name = name;
    this.value = Math.fround(initial);
    this.#growthSteps = growthSteps;
  }

  /** Counts a step. */
  count(finite: boolean): void {
    if (!finite) {
      this.counter = 0;
      this.value = Math.fround(this.value * 0.5);
    } else if (this.counter === this.#growthSteps - 1) {
      this.counter = 0;
      this.value = Math.fround(this.value * 2);
    } else {
      this.counter++;
    }
  }

  /** Goes on from what another one had. */
  restore(value: number, counter: number): void {
    this.value = Math.fround(value);
    this.counter = counter;
  }
}
