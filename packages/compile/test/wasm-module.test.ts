import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signed, unsigned } from '../src/wasm-bytes.ts';
import { FunctionWriter } from '../src/wasm-function.ts';
import { ModuleWriter } from '../src/wasm-module.ts';

describe('LEB128', () => {
  it.each([
    [0, [0]],
    [127, [127]],
    [128, [0x80, 1]],
    [624485, [0xe5, 0x8e, 0x26]],
    [2 ** 32 - 1, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('%s, unsigned', (value, bytes) => {
    expect(unsigned(value)).toEqual(bytes);
  });

  it.each([
    [0, [0]],
    [63, [63]],
    [64, [0xc0, 0]],
    [-1, [0x7f]],
    [-64, [0x40]],
    [-65, [0xbf, 0x7f]],
    [-123456, [0xc0, 0xbb, 0x78]],
    [-(2 ** 31), [0x80, 0x80, 0x80, 0x80, 0x78]],
  ])('%s, signed', (value, bytes) => {
    expect(signed(value)).toEqual(bytes);
  });
});

const instantiate = (module: ModuleWriter): Record<string, (...args: number[]) => number> => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const compiled = new WebAssembly.Module(module.bytes() as BufferSource);
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as Record<
    string,
    (...args: number[]) => number
  >;
};

describe('a module', () => {
  it('gives back any constant', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double(), (integer, number) => {
        const module = new ModuleWriter();
        module.importMemory(false);
        module.export('integer', module.add(new FunctionWriter({ params: [], results: ['i32'] }).i32(integer)));
        module.export(
          'number',
          module.add(new FunctionWriter({ params: [], results: ['f64'] }).float(0x44, number, 8)),
        );
        const made = instantiate(module);
        expect(made.integer!()).toBe(integer);
        expect(made.number!()).toBe(number);
      }),
    );
  });

  it('has each function once, those that call themselves too', () => {
    const module = new ModuleWriter();
    module.importMemory(false);
    const triangle = (step: number): FunctionWriter => {
      const code = new FunctionWriter({ params: ['i32'], results: ['i32'] });
      code.get(0).if(() => code.get(0).get(0).i32(step).op(0x6b).callSelf().op(0x6a, 0x0f));
      return code.i32(0);
    };
    const first = module.add(triangle(1));
    expect(module.add(triangle(1))).toBe(first);
    const other = module.add(triangle(2));
    expect(other).not.toBe(first);
    expect(module.slotOf(other)).toBe(1);
    expect(module.slotOf(first)).toBe(2);
    expect(module.slotOf(other)).toBe(1);
    module.export('all', first);
    module.export('even', other);
    const made = instantiate(module);
    expect([made.all!(6), made.even!(6), made.all!(0)]).toEqual([21, 12, 0]);
  });

  it('counts up to an end, without a turn where there is none', () => {
    const code = new FunctionWriter({ params: ['i32', 'i32'], results: ['i32'] });
    const turns = code.local('i32');
    code.countTo(0, 1, 8, () => code.get(turns).i32(1).op(0x6a).set(turns));
    code.get(turns);
    const module = new ModuleWriter();
    module.importMemory(false);
    module.export('turns', module.add(code));
    const { turns: count } = instantiate(module);
    expect([count!(0, 0), count!(0, 8), count!(0, 24), count!(16, 24), count!(24, 16)]).toEqual([0, 1, 3, 1, 0]);
    // beyond 2^31
    expect(count!(0xfffffff0 - 32, 0xfffffff0)).toBe(4);
  });
});
