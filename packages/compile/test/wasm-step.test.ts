import { wasmInstance, wasmModule, wasmProbe, WasmStep } from '@sgd/compile';
import { describe, expect, it } from 'vitest';
import { program, update, variable } from '../../../tests/support/programs.ts';

const memories = [
  ['of its own', false, { initial: 1 }],
  ['that threads share', true, { initial: 1, maximum: 65536, shared: true }],
] as const;

describe.each(memories)('steps in a memory %s', (_name, isShared, limits) => {
  const open = (made: ReturnType<typeof program>): { step: WasmStep; float32: Float32Array } => {
    const memory = new WebAssembly.Memory(limits);
    const { buffer } = memory;
    const views = {
      words: new Uint32Array(buffer),
      float32: new Float32Array(buffer),
      float64: new Float64Array(buffer),
    };
    const step = new WasmStep({ program: made, memory: views, isShared });
    step.start(wasmInstance(wasmModule(step.code), memory), 8192);
    return { step, float32: views.float32 };
  };

  it('read and write where the tensors were said to be', () => {
    const { step, float32 } = open(program([variable(5)], { keeps: ['momentum'] }));
    float32.set([1, 2, 3, 4, 5], 1024 / 4);
    float32.set([2, 2, 2, 2, 2], 3072 / 4);
    step.place(0, 'variable', 1024);
    step.place(0, 'momentum', 2048);
    step.lend(0, 3072, 0);
    expect(step.run(update, [0])).toBe(true);
    expect(Array.from(float32.subarray(1024 / 4, 1024 / 4 + 6))).toEqual([0, 1, 2, 3, 4, 0]);
    expect(Array.from(float32.subarray(2048 / 4, 2048 / 4 + 6))).toEqual([-1, -1, -1, -1, -1, 0]);
  });

  it('change nothing when a gradient is not finite', () => {
    const { step, float32 } = open(program([variable(3)], { finiteCheck: true }));
    float32.set([1, 2, 3], 1024 / 4);
    float32.set([1, NaN, 1], 2048 / 4);
    step.place(0, 'variable', 1024);
    step.lend(0, 2048, 0);
    expect(step.run(update, [0])).toBe(false);
    expect(Array.from(float32.subarray(1024 / 4, 1024 / 4 + 3))).toEqual([1, 2, 3]);
  });

  it('say what a kernel reads and writes', () => {
    const { step } = open(program([variable(3)], { keeps: ['gradient_accumulator'] }));
    const { situations } = step.definition;
    const accumulating = step.kernelOf(0, situations.keyOf({ ...update, phase: 'accumulate' }, true))!;
    expect([...accumulating.writes]).toEqual(['gradient_accumulator']);
    expect(accumulating.reads.has('variable')).toBe(false);
    const missing = step.kernelOf(0, situations.keyOf(update, false))!;
    expect([...missing.reads, ...missing.writes]).toEqual(['gradient_accumulator']);
    expect(step.kernelOf(0, situations.keyOf({ ...update, phase: 'accumulate' }, false))).toBe(null);
  });

  it('have a module of which there is one for the same structure, and start where the probe does', () => {
    const [one, other] = [open(program([variable(5)])), open(program([variable(7), variable(1)]))];
    expect(one.step.code).toBe(other.step.code);
    expect(open(program([variable(5)], { unscale: true })).step.code).not.toBe(one.step.code);
    expect(wasmModule(one.step.code)).toBe(wasmModule(other.step.code));
    expect(wasmProbe(isShared)).toBe(wasmProbe(isShared));
    const exports = wasmInstance(wasmModule(wasmProbe(isShared)), new WebAssembly.Memory(limits));
    expect(exports.reduce(0, 0)).toBe(1);
  });
});
