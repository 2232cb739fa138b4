import type { History } from './train.ts';

/** A line of a chart: x is the step. */
export interface Line {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Few points, to be marked. */
  readonly marked?: boolean;
  /** Of the second backend, which may hide the first one's. */
  readonly dashed?: boolean;
}

/** A chart as the page draws it: one x for all lines, `null` where a line has no point. */
export interface Chart {
  readonly title: string;
  readonly x: readonly number[];
  readonly lines: readonly {
    readonly label: string;
    readonly marked: boolean;
    readonly dashed: boolean;
    readonly y: readonly (number | null)[];
  }[];
}

/** Points of a line at most; more steps than that are drawn as means of equal stretches. */
const MOST_POINTS = 250;

/** The curves of all trainers: loss, accuracy, learning rate and, where it was measured, the gradient norm. */
export function curves(histories: readonly History[], labels: readonly string[]): Chart[] {
  const several = histories.length > 1;
  const lines = (make: (history: History) => Line[]): Line[] =>
    histories.flatMap((history, i) =>
      make(history).map((line) => ({
        ...line,
        label: several ? `${labels[i]} ${line.label}` : line.label,
        dashed: i > 0,
      })),
    );
  const perStep = (label: string, value: (step: History['steps'][number]) => number | null) => (history: History) =>
    means(history.steps.map(value), label);
  const tests = ({ epochs }: History): Line[] => [
    { label: 'test', marked: true, points: epochs.map(({ steps, testAccuracy }) => [steps, testAccuracy * 100]) },
    {
      label: 'test, averaged weights',
      marked: true,
      points: epochs.flatMap(({ steps, averagedTestAccuracy: share }) =>
        share === null ? [] : [[steps, share * 100]],
      ),
    },
  ];
  return [
    chart('Loss', lines(perStep('training', ({ loss }) => loss))),
    chart(
      'Accuracy in %',
      lines((history) => [...perStep('training', ({ accuracy }) => accuracy * 100)(history), ...tests(history)]),
    ),
    chart('Learning rate', lines(perStep('learning rate', ({ learningRate }) => learningRate))),
    chart('Gradient norm', lines(perStep('gradient norm', ({ gradientNorm }) => gradientNorm))),
  ].filter(({ lines: drawn }) => drawn.length > 0);
}

/** Means over stretches of steps, at the last step of each. Values that are not finite leave a gap. */
function means(values: readonly (number | null)[], label: string): Line[] {
  const width = Math.max(1, Math.ceil(values.length / MOST_POINTS));
  const points: [number, number][] = [];
  for (let from = 0; from < values.length; from += width) {
    const stretch = values
      .slice(from, from + width)
      .filter((value) => value !== null && Number.isFinite(value)) as number[];
    const sum = stretch.reduce((total, value) => total + value, 0);
    if (stretch.length > 0) points.push([Math.min(from + width, values.length), sum / stretch.length]);
  }
  return [{ label, points }];
}

function chart(title: string, all: readonly Line[]): Chart {
  const lines = all.filter(({ points }) => points.length > 0);
  const x = [...new Set(lines.flatMap(({ points }) => points.map(([step]) => step)))].sort((a, b) => a - b);
  return {
    title,
    x,
    lines: lines.map(({ label, points, marked = false, dashed = false }) => {
      const at = new Map(points);
      return { label, marked, dashed, y: x.map((step) => at.get(step) ?? null) };
    }),
  };
}
