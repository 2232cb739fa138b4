import { describe, expect, it } from 'vitest';
import type { Contender } from '../src/contender.ts';
import { CONTENDERS } from '../src/contenders.ts';
import { arraysKept, bytesOf, OPTION_SETS, PASSES } from '../src/options.ts';
import { select } from '../src/selection.ts';
import { withoutRoom } from '../src/sets/sets.ts';
import { grouped } from '../src/steps/memory.ts';
import { stepJob } from '../src/steps/steps.ts';
import { WORKLOADS } from '../src/workloads.ts';

const momentum = OPTION_SETS.find(({ name }) => name === 'momentum')!;
const workload = (name: string): (typeof WORKLOADS)[number] => WORKLOADS.find((one) => one.name === name)!;

describe('bytes an element', () => {
  it('are counted for each set', () => {
    expect(Object.fromEntries(OPTION_SETS.map(({ name, bytes }) => [name, bytes]))).toEqual({
      plain: 12,
      momentum: 20,
      'nesterov+decay': 20,
      'nesterov+decay+clip': 24,
      'nesterov+decay+clip+ema': 32,
      'nesterov+decay+clip+ema+accumulation': 29,
      'nesterov+decay+clip+ema+accumulation:update': 44,
      all: 29,
      'all:update': 44,
    });
  });

  it('are those of the passes: all that is kept is read and written, and the gradient read', () => {
    for (const set of OPTION_SETS) {
      const { updating } = PASSES[set.name.replace(':update', '')]!;
      const main = updating.at(-1)!;
      const [read = '', written = ''] = main.split(' > ');
      expect(written.split(' ')).toHaveLength(arraysKept(set));
      expect(read).toBe(`g ${written}`);
      expect(updating).toHaveLength(set.options.globalClipnorm ? 2 : 1);
    }
    expect(bytesOf({ updating: ['g >', 'g x > x'], accumulating: ['g v > v'] }, 'last')).toBe(16);
    expect(bytesOf({ updating: ['g >', 'g x > x'], accumulating: ['g v > v'] }, 'all')).toBe(13);
  });
});

describe('workloads', () => {
  it('are the flat ones, the small ones and the models, as large as they say', () => {
    expect(WORKLOADS.map(({ name }) => name)).toEqual(expect.arrayContaining(['1e3', '1e7', '16M', '200x16x16']));
    const sizes = Object.fromEntries(WORKLOADS.map(({ name, shapes, elements }) => [name, [shapes.length, elements]]));
    expect(sizes).toMatchObject({
      '16M': [1, 16e6],
      '200x16x16': [200, 51_200],
      resnet50: [161, 25_557_032],
      'resnet50:flat': [1, 25_557_032],
      'gpt2-small': [148, 124_439_808],
      mobilenet_v2: [158, 3_504_872],
    });
    expect(new Set(Object.keys(sizes)).size).toBe(WORKLOADS.length);
  });
});

describe('--only', () => {
  const parts = (only: string): string[] => [...select(only, false).parts];
  const steps = (only: string, quick = false): string[] =>
    select(only, quick).steps.map(({ workload: { name }, set }) => `${set.name} ${name}`);

  it('leaves everything without words', () => {
    expect(parts('')).toEqual(['steps', 'sets', 'overhead', 'heap', 'training']);
    expect(steps('')).toHaveLength(WORKLOADS.length * OPTION_SETS.length);
    expect(select('', false).contenders).toEqual(CONTENDERS);
  });

  it('begins with what is small, in all options', () => {
    const sizes = select('', false).steps.map(({ workload }) => workload.elements);
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    const names = OPTION_SETS.map(({ name }) => `${name} 1e1`);
    expect(steps('').slice(0, names.length)).toEqual(names);
  });

  it('takes words of one kind as alternatives, and lets kinds restrict each other', () => {
    expect(steps('plain momentum 1e3 1e6')).toEqual(['plain 1e3', 'momentum 1e3', 'plain 1e6', 'momentum 1e6']);
    const { contenders } = select('momentum 1e3 loop tf.train', false);
    expect(contenders.map(({ name }) => name)).toEqual(['loop', 'tf.train:cpu', 'tf.train:wasm']);
  });

  it('takes an option for all sets that have it, but a set by its name', () => {
    expect(steps('clip 1e3')).toEqual(
      OPTION_SETS.filter(({ name }) => name.includes('clip')).map(({ name }) => `${name} 1e3`),
    );
    expect(steps('momentum 1e3')).toEqual(['momentum 1e3']);
    expect(steps('all 1e3')).toEqual(['all 1e3', 'all:update 1e3']);
    expect(steps('all:update 1e3')).toEqual(['all:update 1e3']);
  });

  it('leaves out the parts that know no such word', () => {
    expect(parts('1e3')).toEqual(['steps']);
    expect(parts('momentum')).toEqual(['steps', 'heap']);
    expect(parts('cpu')).toEqual(['steps', 'training']);
    expect(parts('10')).toEqual(['overhead']);
    expect(parts('heap training')).toEqual(['heap', 'training']);
    expect(parts('heap 1e3')).toEqual([]);
  });

  it('has the part sets where it is named, or nothing is: wasm:arena on 1e6, if no word says otherwise', () => {
    const sets = (only: string, quick = false): string[] =>
      select(only, quick).sets.map(({ workload: { name }, contender }) => `${contender.name} ${name}`);
    for (const only of ['', 'sets', 'sets wasm:arena 1e6']) {
      for (const quick of [false, true]) expect(sets(only, quick)).toEqual(['wasm:arena 1e6']);
    }
    expect(parts('sets wasm:arena 1e6')).toEqual(['sets']);
    expect(parts('steps sets 1e6')).toEqual(['steps', 'sets']);
    expect(parts('wasm:arena 1e6')).toEqual(['steps']);
    expect(parts('sets momentum')).toEqual([]); // all sets take turns, or none
    expect(sets('sets loop cpu')).toEqual(['cpu 1e6', 'loop 1e6']);
    expect(sets('sets 1e3 1e5')).toEqual(['wasm:arena 1e3', 'wasm:arena 1e5']);
  });

  it('with --quick drops what no word names', () => {
    const quick = steps('', true);
    expect(quick).toContain('momentum mobilenet_v2');
    expect(quick).not.toContain('plain mobilenet_v2');
    expect(quick).not.toContain('momentum 1e7');
    expect(quick).not.toContain('all 1e3');
    expect(select('', true).variables).toEqual([1, 1000]);
    expect(select('10', true).variables).toEqual([10]);
    expect(select('', true).heap.map(({ name }) => name)).toEqual(['momentum', 'all']);
    expect(select('plain', true).heap.map(({ name }) => name)).toEqual(['plain']);
    expect(steps('gpt2-small plain', true)).toEqual(['plain gpt2-small']);
    expect(steps('accumulation 1e3', true)).toHaveLength(2);
  });

  it('refuses a word that names nothing', () => {
    expect(() => select('momentum 1e4', false)).toThrow('--only 1e4: names no part, workload');
  });
});

describe('memory', () => {
  const contender = (name: string, memory: number, more: Partial<Contender> = {}): Contender => ({
    ...CONTENDERS[0]!,
    name,
    memory: () => memory,
    ...more,
  });
  const names = (groups: readonly (readonly Contender[])[]): string[][] =>
    groups.map((group) => group.map(({ name }) => name));

  it('puts together who fits, and leaves out who never does', () => {
    const million = workload('1e6'); // 140 MB shared
    const all = [
      contender('a', 30e6),
      contender('b', 80e6),
      contender('c', 50e6),
      contender('d', 110e6),
      contender('e', 20e6, { most: 10e6 }),
    ];
    const { groups, tooLarge } = grouped(all, momentum, million, 240e6);
    expect(names(groups)).toEqual([['a', 'c'], ['b']]);
    expect(tooLarge.map(({ contender: { name }, why }) => `${name} ${why}`)).toEqual([
      'd needs 0.3 GB of the 0.2 GB to be used',
      'e needs 0.0 GB, and its engine has 0.0 GB',
    ]);
  });

  it('keeps 16M with the contenders of a quick run in one process, in 8 GB', () => {
    const quick = select('', true).contenders;
    expect(quick.map(({ name }) => name)).not.toContain('gpujs:cpu');
    expect(select('gpujs', true).contenders.map(({ name }) => name)).toEqual(['gpujs:cpu', 'gpujs:webasm']);
    for (const set of OPTION_SETS) expect(grouped(quick, set, workload('16M'), 6.5e9).groups).toHaveLength(1);
  });

  it('lets gpt2-small take part, in turns', () => {
    const { groups, tooLarge } = grouped(CONTENDERS, momentum, workload('gpt2-small'), 6.5e9);
    expect(tooLarge).toEqual([]);
    expect(groups.length).toBeGreaterThan(1);
  });

  it('holds all sets of a contender at once, or says why not', () => {
    const arena = CONTENDERS.find(({ name }) => name === 'wasm:arena')!;
    expect(withoutRoom(arena, workload('16M'), 6.5e9)).toBeNull();
    expect(withoutRoom(contender('a', 5e6), workload('1e6'), 80e6)).toBe(
      'all sets together need 0.1 GB of the 0.1 GB to be used', // 9 x (5 + 4) MB
    );
    expect(withoutRoom(contender('a', 5e6), workload('1e6'), 81e6)).toBeNull();
    expect(withoutRoom(contender('a', 1e9, { most: 8e9 }), workload('1e6'), 20e9)).toBe(
      'all sets together need 9.0 GB, and their engine has 8.0 GB',
    );
  });

  it('makes no job where nobody takes the options', () => {
    const tfjs = CONTENDERS.filter(({ name }) => name.startsWith('tf.train'));
    expect(stepJob(workload('1e3'), OPTION_SETS.at(-1)!, tfjs)).toBeNull();
  });
});
