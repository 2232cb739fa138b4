import { initialWeights, splitDigits } from '@sgd/digits';
import type { TrainingSettings } from '../settings/model.ts';
import { checkBackends, chooseBackend, forgetBackend, startBackend } from './backends.ts';
import { dense, sparse, type SparseDigits } from './images.ts';
import { loadDigits } from './load-digits.ts';
import type { FirstLayer, Message, Request, RunName } from './messages.ts';
import { type Float32Values, Network } from './network.ts';
import { reasonOf } from './optimizer.ts';
import { Training } from './training.ts';

/** What of the worker's global scope is used. */
const scope = globalThis as unknown as {
  postMessage(message: Message, transfer?: readonly Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<Request>) => void): void;
};
const post = (message: Message): void => scope.postMessage(message);

let digits: Promise<SparseDigits> | null = null;
let training: Training | null = null;
/** What the page sees: the weights of each run, and the drawing. */
let shown: readonly { readonly name: RunName; readonly weights: Float32Values }[] = [];
let drawing: Float32Array | null = null;

scope.addEventListener('message', ({ data }) => {
  answer(data).catch((error: unknown) => post({ type: 'failed', name: null, reason: reasonOf(error), step: null }));
});

async function answer(request: Request): Promise<void> {
  switch (request.type) {
    case 'train':
      return train(request);
    case 'pause':
    case 'resume':
    case 'stop':
      training?.[request.type]();
      return;
    case 'reset':
      return showFirst(request.training);
    case 'look':
      drawing = request.pixels;
      return recognise();
    case 'digit':
      return sendDigit(request);
    case 'choose':
      return post({ type: 'chosen', report: await chooseBackend(request.training) });
    case 'check':
      return checkBackends((report) => post({ type: 'backend', report }));
  }
}

async function train({ job }: Extract<Request, { type: 'train' }>): Promise<void> {
  if (training) return; // one at a time: the page asks for another when this one has ended
  training = new Training(
    job,
    { digits: getDigits, start: startBackend, forget: forgetBackend, post, breathe },
    (recorders) => show(recorders.map(({ name, run: { weights } }) => ({ name, weights }))),
  );
  await training.go();
  training = null;
}

function showFirst({ model, seed }: TrainingSettings): void {
  if (training) return;
  const weights = Object.entries(initialWeights(model, seed)).map(([path, { data }]) => [path, data as Float32Array]);
  show([{ name: 'a', weights: Object.fromEntries(weights) }]);
}

function show(runs: typeof shown): void {
  shown = runs;
  const layers = shown.map(({ name, weights }): FirstLayer => {
    const layer = 'hidden/kernel' in weights ? 'hidden' : 'output';
    return { name, kernel: weights[`${layer}/kernel`]!.slice(), outputs: weights[`${layer}/bias`]!.length };
  });
  scope.postMessage(
    { type: 'weights', layers },
    layers.map(({ kernel }) => kernel.buffer),
  );
  recognise();
}

function recognise(): void {
  if (!drawing) return;
  const images = sparse(drawing);
  const runs = shown.map(({ name, weights }) => {
    const network = new Network('hidden/kernel' in weights ? 'mlp' : 'softmax');
    return { name, probabilities: network.probabilities(weights, images, 0) };
  });
  post({ type: 'seen', runs });
}

async function sendDigit({ seed, number }: Extract<Request, { type: 'digit' }>): Promise<void> {
  const { images, labels } = await getDigits();
  const { test } = splitDigits(seed);
  const index = test[number % test.length]!;
  post({ type: 'digit', pixels: dense(images, index), label: labels[index]!, number: number % test.length });
}

function getDigits(): Promise<SparseDigits> {
  digits ??= loadDigits(new URL('../../assets/digits.bin', import.meta.url)).catch((error: unknown) => {
    digits = null; // the next one may have more luck
    throw error;
  });
  return digits;
}

/** A turn of the event loop, without the 4 ms that timers wait. */
const channel = new MessageChannel();
const turns: (() => void)[] = [];
channel.port1.onmessage = () => turns.shift()?.();
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    turns.push(resolve);
    channel.port2.postMessage(null);
  });
}
