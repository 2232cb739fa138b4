import { sizeOf } from '@sgd/core/engine';
import type { FloatArray, SgdErrorCode } from '@sgd/core';
import { type AnyBackend } from '../backend.ts';
import { check, show } from '../failure.ts';
import { floats, random } from '../random.ts';
import { codeOf, errorOf, wantRefusal } from '../refusals.ts';
import { needsOfSpec, type Rig, type Shapes, type Spec, wantSame, wantUnchanged, withRig } from '../rig.ts';
import { inRoom, type SuiteTest } from '../test.ts';

const test = inRoom('ownership');

const shapes: Shapes = { kernel: [4, 9], bias: [9], scale: [] };
const gradientsOf = (seed: number): Float32Array[] => {
  const next = random(seed);
  return Object.values(shapes).map((shape) => floats(next, sizeOf(shape), 2));
};

/** What users may hand in where the engine takes arrays of the host. */
type Form = (data: FloatArray, shape: readonly number[]) => unknown;
const forms: Readonly<Record<string, Form>> = {
  bare: (data) => data,
  shaped: (data, shape) => ({ data, shape }),
};

interface Resizable {
  resize(bytes: number): void;
}
const makeResizable = ArrayBuffer as unknown as new (bytes: number, options: { maxByteLength: number }) => ArrayBuffer;
const canResize = 'resize' in ArrayBuffer.prototype;
const detach = ({ buffer }: FloatArray): unknown => structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
const resize = ({ buffer, byteLength }: FloatArray, factor: number): void =>
  (buffer as unknown as Resizable).resize(byteLength * factor);

/** What becomes of the memory of a gradient; arrays that can be resized follow the length of their buffer. */
const harms: Readonly<Record<string, (array: FloatArray) => unknown>> = {
  detached: detach,
  ...(canResize && {
    shrunk: (array: FloatArray) => resize(array, 0),
    grown: (array: FloatArray) => resize(array, 2),
  }),
};

const plans: Readonly<Record<string, Spec>> = {
  plain: {},
  momentum: { options: { momentum: 0.9, nesterov: true } },
  'global-clipnorm': { options: { globalClipnorm: 0.3 } },
  'finite-check': { extras: { nonFinite: 'skip' } },
  overwrite: { overwrite: ['kernel'] },
};
const codes: readonly SgdErrorCode[] = ['SGD_DETACHED', 'SGD_GRADIENT_SHAPE'];

/** Code of the user's runs within a step, and may do anything to the memory of gradients. */
export function memoryTests(): SuiteTest[] {
  return [
    ...Object.entries(plans).map(([name, spec]) =>
      test(
        `gradient-lost-${name}`,
        'a learning rate function that detaches or resizes the memory of a gradient refuses the step',
        lost(spec),
        needsOfSpec(spec),
      ),
    ),
    test('gradient-freed', 'so does one that frees a gradient, unless that does nothing', freed),
    test('gradient-getter', 'a getter of one gradient that detaches another one refuses the step', getter),
  ];
}

/** Runs a job while the learning rate function does something, once. */
async function withRate(
  backend: AnyBackend,
  spec: Spec,
  job: (rig: Rig, during: (call: () => unknown) => void) => Promise<void>,
): Promise<void> {
  let call: (() => unknown) | undefined;
  const learningRate = (): number => {
    const now = call;
    call = undefined;
    now?.();
    return 0.1;
  };
  await withRig(backend, { ...spec, options: { ...spec.options, learningRate } }, shapes, (rig) =>
    job(rig, (next) => {
      call = next;
    }),
  );
}

/** A copy whose buffer can be resized, and which then has another length. */
function tracking(values: Float32Array): Float32Array {
  const { byteLength } = values;
  const copy = new Float32Array(
    canResize ? new makeResizable(byteLength, { maxByteLength: 2 * byteLength }) : new ArrayBuffer(byteLength),
  );
  copy.set(values);
  return copy;
}

/** Whether the engine takes arrays of the host as gradients, in this form; a step that it takes counts. */
async function takes(rig: Rig, form: Form): Promise<boolean> {
  const gradients = gradientsOf(1).map((values, i) => form(tracking(values), rig.shapes[i]!));
  const error = await errorOf(() => rig.optimizer.apply(gradients));
  if (error !== undefined) check(codeOf(error) === 'SGD_GRADIENT_SHAPE', `an array as gradient: ${show(error)}`);
  return error === undefined;
}

function lost(spec: Spec): SuiteTest['run'] {
  return async ({ backend }) => {
    await withRate(backend, spec, async (rig, during) => {
      for (const [kind, form] of Object.entries(forms)) {
        if (!(await takes(rig, form))) continue;
        for (const [harmed, harm] of Object.entries(harms)) {
          for (let index = 0; index < rig.shapes.length; index++) {
            const arrays = gradientsOf(2).map(tracking);
            const gradients = arrays.map((array, i) => form(array, rig.shapes[i]!));
            // so that the engine knows them, if it keeps anything
            await rig.optimizer.apply(gradients);
            const before = await rig.snapshot();
            const what = `a step whose ${kind} gradient ${index} was ${harmed} by the learning rate`;
            during(() => harm(arrays[index]!));
            await wantRefusal(what, () => rig.optimizer.apply(gradients), codes);
            await wantUnchanged(rig, before, what);
          }
        }
        check(await takes(rig, form), 'no step after refused ones');
      }
    });
  };
}

const freed: SuiteTest['run'] = async ({ backend }) => {
  await withRate(backend, {}, async (rig, during) => {
    const before = await rig.snapshot();
    const expected = await withRig(backend, { options: { learningRate: 0.1 } }, shapes, async (other) => {
      await other.apply(gradientsOf(3));
      return other.values();
    });
    const gradients = gradientsOf(3).map((values, i) => rig.gradient(values, i));
    during(() => backend.free(gradients[0]));
    const error = await errorOf(() => rig.optimizer.apply(gradients));
    if (error === undefined) {
      for (const [i, values] of (await rig.values()).entries())
        wantSame(backend, expected[i]!, values, `variable ${i} after a step whose gradient was freed`);
    } else {
      check(codeOf(error) !== undefined, `a step whose gradient was freed: ${show(error)}`);
      await wantUnchanged(rig, before, 'a step whose gradient was freed');
    }
    for (const gradient of gradients.slice(1)) backend.free(gradient);
  });
};

const getter: SuiteTest['run'] = async ({ backend }) => {
  await withRig(backend, {}, shapes, async (rig) => {
    if (!(await takes(rig, forms.shaped!))) return;
    for (const [harmed, harm] of Object.entries(harms)) {
      // the last look at the second gradient is as late as the engine makes it
      for (let looks = 0; looks < 12; looks++) {
        const arrays = gradientsOf(4).map(tracking);
        const gradients = arrays.map((array, i) => forms.shaped!(array, rig.shapes[i]!));
        let left = looks;
        let fired = false;
        gradients[1] = {
          shape: rig.shapes[1]!,
          get data() {
            if (left-- === 0) {
              fired = true;
              harm(arrays[0]!);
            }
            return arrays[1]!;
          },
        };
        const before = await rig.snapshot();
        const what = `a step whose gradient 0 was ${harmed} by look ${looks} at gradient 1`;
        const error = await errorOf(() => rig.optimizer.apply(gradients));
        if (!fired) break;
        check(
          error !== undefined && codes.includes(codeOf(error) as SgdErrorCode),
          `${what}: ${show(error ?? 'taken')}`,
        );
        await wantUnchanged(rig, before, what);
      }
    }
  });
};
