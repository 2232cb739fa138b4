import { type RunSettings, stepCount, type TrainingSettings } from '../settings/model.ts';
import { makeSchedule, schedulePlan } from '../settings/schedules.ts';
import { el, say } from './dom.ts';
import { short } from './format.ts';

const WIDTH = 240;
const HEIGHT = 44;
const POINTS = 121;
const SVG = 'http://www.w3.org/2000/svg';

/** The learning rate over the whole training, as the schedule itself computes it. */
export class SchedulePreview {
  readonly element: HTMLElement;
  readonly #line = document.createElementNS(SVG, 'path');
  readonly #text = el('figcaption');

  constructor() {
    const drawing = document.createElementNS(SVG, 'svg');
    drawing.setAttribute('viewBox', `0 -2 ${WIDTH} ${HEIGHT + 4}`);
    drawing.setAttribute('preserveAspectRatio', 'none');
    drawing.setAttribute('aria-hidden', 'true');
    drawing.append(this.#line);
    this.element = el('figure', { className: 'schedule' }, drawing, this.#text);
  }

  show(settings: RunSettings, training: TrainingSettings): void {
    try {
      const rates = ratesOf(settings, training);
      const most = Math.max(...rates.filter(Number.isFinite));
      const points = rates.map(
        (rate, i) => `${(i / (POINTS - 1)) * WIDTH},${most > 0 ? HEIGHT * (1 - rate / most) : HEIGHT}`,
      );
      this.#line.setAttribute('d', rates.every(Number.isFinite) ? `M${points.join('L')}` : '');
      say(this.#text, `from ${short(rates[0])} to ${short(rates.at(-1))} in ${stepCount(training)} batches`);
    } catch (error) {
      this.#line.setAttribute('d', '');
      say(this.#text, (error as Error).message);
    }
  }
}

/** Rates at steps that are spread over the training. */
function ratesOf(settings: RunSettings, training: TrainingSettings): number[] {
  const steps = stepCount(training);
  const plan = schedulePlan(settings, steps);
  const schedule = plan && makeSchedule(plan);
  return Array.from({ length: POINTS }, (_, i) =>
    schedule ? schedule.call(Math.round((i / (POINTS - 1)) * Math.max(0, steps - 1))) : settings.learningRate,
  );
}
