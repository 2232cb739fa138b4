import { type State, stepCount } from '../settings/model.ts';
import type { RunName } from '../training/messages.ts';
import { Charts } from './charts.ts';
import { DifferenceView } from './difference-view.ts';
import { byId } from './dom.ts';
import { Figures } from './figures.ts';
import { TrainingHistory } from './history.ts';
import { WeightsView } from './weights-view.ts';

/** What became of a training: figures, curves, the difference of two runs, pictures of weights. */
export class Results {
  readonly #figures = new Figures(byId('figures'));
  readonly #difference = new DifferenceView(byId('difference'));
  readonly #weights = new WeightsView(byId('weights'));
  readonly #charts = new Charts(byId('charts'), this.#difference.curve);

  /** Draws what there is so far, of a training with these settings. */
  show(history: TrainingHistory | null, state: State): void {
    const labels = new Map<RunName, string>([['a', state.a.backend]]);
    if (state.compare) labels.set('b', state.b.backend);
    this.#figures.show(history, labels);
    this.#difference.show(history, state.compare);
    this.#charts.draw(history ?? new TrainingHistory(stepCount(state.training)));
  }

  /** Draws the weights of the first layer of each run. */
  showWeights(layers: Parameters<WeightsView['show']>[0]): void {
    this.#weights.show(layers);
  }
}
