import { glslSource, Shader, wgslDeclarations, wgslFunctions } from '@sgd/compile';
import { makeTracer, OPERATIONS, type TracedValue } from '@sgd/core/engine';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kernelOf, recipes } from './random-kernels.ts';

const HOSTILE = ['x); discard; //', '*/ while (true) {} /*', '__proto__', 'constructor', '\n#define T int', ''];

const sourcesOf = (shader: Shader): string[] => [
  ...(['one', 'four', 'four-with-gaps'] as const).map((layout) => glslSource(shader, layout)),
  ...([1, 4] as const).map((lanes) => [...wgslFunctions(shader, lanes), ...wgslDeclarations(shader)].join('\n')),
];

/** What is computed: the functions before it are always the same. */
const LINE = /^(?:T|let) v\d+ = (?:-?[tndv]\d+(?: [-+*/] [tndv]\d+)?|[a-zA-Z]+\((?:[tndv]\d+(?:, )?){1,3}\));$/;

const shaderOf = (outputs: readonly TracedValue[]): Shader => new Shader(outputs, new Set(['clipFactor']));

describe('the text of a shader', () => {
  it.each(HOSTILE)('holds nothing of a slot or scalar called %j', (name) => {
    const [own, other] = [name, 'm'].map((called) => {
      const ops = makeTracer();
      const scaled = ops.mul(ops.scalar(called), ops.tensor(called));
      return shaderOf([ops.add(scaled, ops.div(ops.tensor('gradient'), ops.sum(ops.tensor(called))))]);
    }) as [Shader, Shader];
    expect(sourcesOf(own)).toEqual(sourcesOf(other));
  });

  it('of any kernel declares numbered identifiers, each after its operands', () => {
    fc.assert(
      fc.property(recipes(OPERATIONS), (recipe) => {
        const { passes } = kernelOf(recipe);
        for (const { stores } of passes.filter((pass) => pass.stores.length > 0)) {
          const shader = shaderOf(stores.map(({ value }) => value));
          const known = new Set<string>();
          for (const [letter, values] of [
            ['t', shader.tensors],
            ['n', shader.hostNumbers],
            ['d', shader.deviceNumbers],
          ] as const) {
            values.forEach((value, i) => {
              expect(shader.nameOf(value)).toBe(`${letter}${i}`);
              known.add(`${letter}${i}`);
            });
          }
          for (const line of wgslDeclarations(shader)) {
            expect(line).toMatch(LINE);
            const [made, ...used] = line.match(/\b[tndv]\d+\b/g)!;
            expect(used.every((name) => known.has(name))).toBe(true);
            known.add(made!);
          }
          for (const value of shader.outputs) expect(known.has(shader.nameOf(value))).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('is the same for kernels that differ in their numbers alone', () => {
    const sources = [0.9, NaN, -1e300].map((constant) => {
      const ops = makeTracer();
      return sourcesOf(shaderOf([ops.mul(ops.tensor('x'), ops.constant(constant))]));
    });
    expect(sources[1]).toEqual(sources[0]);
    expect(sources[2]).toEqual(sources[0]);
  });

  it('reads what earlier programs made, instead of computing it again', () => {
    const ops = makeTracer();
    const first = ops.mul(ops.tensor('x'), ops.tensor('g'));
    const second = ops.sub(first, ops.tensor('x'));
    const shader = new Shader([second], new Set(), new Set([first]));
    expect(shader.tensors).toEqual([first, ops.tensor('x')]);
    expect(wgslDeclarations(shader)).toEqual(['let v0 = t0 - t1;']);
  });

  it('takes numbers of sums from the device, and what follows from the host alone as one number', () => {
    const ops = makeTracer();
    const limit = ops.scalar('limit');
    const norm = ops.max(ops.sqrt(ops.sum(ops.tensor('g'))), ops.mul(limit, limit));
    const shader = shaderOf([ops.div(ops.tensor('g'), norm)]);
    expect(shader.hostNumbers).toEqual([ops.mul(limit, limit)]);
    expect(shader.deviceNumbers).toEqual([ops.sum(ops.tensor('g'))]);
    expect(wgslDeclarations(shader)).toEqual(['let v0 = sqrt(d0);', 'let v1 = largest(v0, n0);', 'let v2 = t0 / v1;']);
  });

  it('fills places without an element where a value is not 0 there', () => {
    const ops = makeTracer();
    const x = ops.tensor('x');
    const text = (value: TracedValue): string => glslSource(shaderOf([value]), 'four-with-gaps');
    const limit = ops.constant(1);
    for (const value of [ops.mul(x, limit), ops.sub(x, x), ops.div(x, ops.add(ops.sqrt(x), limit)), ops.sign(x)])
      expect(text(value)).not.toContain('hasElement');
    for (const value of [ops.add(x, limit), ops.div(x, x), ops.max(x, limit), ops.pow(x, limit)])
      expect(text(value)).toContain('o0 = mix(vec4(0.), vec4(');
  });
});
