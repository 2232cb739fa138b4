import { availableParallelism, cpus, type } from 'node:os';
import { SIZES } from './rows.mjs';

/** Where gradients live. */
export const KINDS = ['host', 'tfjs', 'onnxruntime', 'gpujs'];

/** Of each candidate, each time. */
const MILLISECONDS = 400;

/** Each is timed so often, at different times: the lowest counts, since what else the machine does only makes it longer. */
const ROUNDS = 3;
/** Rounds for figures that are still noisy. */
const MOST_ROUNDS = 6;

/** Whether the two lowest differ too much for a figure that is sure. */
function isNoisy(samples) {
  const [first, second = Infinity] = samples.toSorted((a, b) => a - b);
  return second > 1.2 * first;
}

/** On what it is measured. */
export const machine = () =>
  `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, ${type()} ${process.arch}`;

/** Samples by candidate and size, in the order in which they come. */
class Samples {
  #rows = new Map();

  /** `nanoseconds` of an element. */
  add(name, device, elements, nanoseconds) {
    if (!this.#rows.has(name)) this.#rows.set(name, { device, sizes: new Map() });
    const { sizes } = this.#rows.get(name);
    sizes.set(elements, [...(sizes.get(elements) ?? []), nanoseconds]);
  }

  /** Whether a size is to be timed once more, for any candidate that matches. */
  isNoisy(elements, matches) {
    const rows = [...this.#rows].filter(([name]) => matches(name));
    return rows.some(([, { sizes }]) => sizes.has(elements) && isNoisy(sizes.get(elements)));
  }

  /** The rows of figures.json. */
  rows() {
    return [...this.#rows].map(([name, { device, sizes }]) => {
      const figures = [...sizes].map(([size, samples]) => [size, Number(Math.min(...samples).toPrecision(3))]);
      const noisy = [...sizes].filter(([, samples]) => isNoisy(samples)).map(([size]) => size);
      return { name, device, nanoseconds: Object.fromEntries(figures), ...(noisy.length > 0 && { noisy }) };
    });
  }
}

const say = (text) => process.stderr.write(process.stderr.isTTY ? `\r${text}\x1B[K` : `${text}\n`);

/** Where gradients of a candidate live, by its name. */
const kindOf = (name) => (KINDS.includes(name.split(':')[0]) ? name.split(':')[0] : 'host');

/**
 * Times all that run in a place, size by size; gives the rows of figures.json. Kinds that are not named keep the rows that there are.
 *
 * @param engines - of TensorFlow.js, which is on one of them at a time
 * @param time - gives a report of `@sgd/auto`, from a process or page of its own
 */
export async function samplesOf(place, engines, kinds, kept, time) {
  const turns = kinds.flatMap((gradients) =>
    (gradients === 'tfjs' ? engines : [undefined]).flatMap((engine) =>
      SIZES.map((elements) => ({ gradients, engine, elements })),
    ),
  );
  const samples = new Samples();
  const isDue = ({ gradients, engine, elements }) =>
    samples.isNoisy(elements, (name) => kindOf(name) === gradients && (!engine || name.endsWith(`:${engine}`)));
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const due = round < ROUNDS ? turns : turns.filter(isDue);
    for (const [i, { gradients, engine, elements }] of due.entries()) {
      say(`${place}, round ${round + 1}: ${i + 1} of ${due.length}: ${elements} elements, ${engine ?? gradients}`);
      const given = { gradients, engine, workload: { shapes: [[elements]] }, milliseconds: MILLISECONDS };
      for (const { name, device, nanosecondsPerElement: ns } of (await time(given)).candidates)
        if (ns !== undefined) samples.add(engine === undefined ? name : `${name}:${engine}`, device, elements, ns);
    }
  }
  const others = (kept?.rows ?? []).filter(({ name }) => !kinds.includes(kindOf(name)));
  const order = ({ name }) => KINDS.indexOf(kindOf(name));
  return [...others, ...samples.rows()].toSorted((a, b) => order(a) - order(b));
}
