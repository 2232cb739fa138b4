import { SGD } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { contours, draw } from './chart.ts';
import { type Point, valley } from './descend.ts';

const narrow = valley(1, 20);
const BEFORE = 0.02;
const AFTER = 0.002;
const CHANGE = 12;

/** 40 steps, the rate lower after the twelfth: by itself, as in Keras, or with the momentum in proportion, as PyTorch's buffer has it. */
async function path(inProportion: boolean): Promise<Point[]> {
  const place = new Float32Array([-9, 1.5]);
  const optimizer = new SGD({ learningRate: BEFORE, momentum: 0.9 }, cpu());
  optimizer.build({ place });
  const points: Point[] = [[place[0]!, place[1]!]];
  for (let step = 0; step < 40; step++) {
    if (step === CHANGE) {
      optimizer.learningRate = AFTER;
      const state = await optimizer.getState();
      const momentum = state.slots.place!.momentum!.map((m) => (m * AFTER) / BEFORE);
      if (inProportion) await optimizer.setState({ ...state, slots: { place: { momentum } } });
    }
    optimizer.apply([Float32Array.from(narrow.slope(place[0]!, place[1]!))]);
    points.push([place[0]!, place[1]!]);
  }
  return points;
}

const lowerRate = async (): Promise<string> =>
  draw({
    description:
      'Two paths whose learning rate falls to a tenth after 12 steps: that of Keras goes on with its momentum, that of PyTorch slows down at once.',
    x: { label: 'first weight', domain: [-10, 6] },
    y: { label: 'second weight', domain: [-2.4, 2] },
    under: contours(narrow, [0.5, 2, 5, 10, 20, 35, 55]),
    lines: [
      { label: 'Keras, and here', points: await path(false) },
      { label: 'PyTorch', points: await path(true) },
    ],
  });

/** By name of the file, without its ending. */
export const PYTORCH: Readonly<Record<string, () => Promise<string>>> = { 'pytorch-lower-rate': lowerRate };
