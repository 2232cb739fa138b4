import { describe, expect, it } from 'vitest';
import { figureOf } from '../src/figure-of.ts';
import { RANKING } from '../src/ranking.ts';

const browser = RANKING.browser!;

describe('the figures', () => {
  it('are there for every candidate that has a processor, in Node and in a page', () => {
    for (const name of ['wasm', 'cpu', 'onnxruntime:wasm', 'gpujs:webasm', 'gpujs:cpu']) {
      for (const { nanoseconds } of [RANKING.node!, browser]) {
        expect(nanoseconds[name], name).not.toContain(null);
        for (const figure of nanoseconds[name]!) expect(figure).toBeGreaterThan(0);
      }
    }
  });

  it('are those of Chromium in pages and workers, and those of Node elsewhere', () => {
    const [last] = browser.elements.slice(-1);
    expect(figureOf('page', 'cpu', 'cpu', last!)).toBe(browser.nanoseconds['cpu']!.at(-1));
    expect(figureOf('worker', 'cpu', 'cpu', last!)).toBe(browser.nanoseconds['cpu']!.at(-1));
    expect(figureOf('node', 'cpu', 'cpu', last!)).toBe(RANKING.node!.nanoseconds['cpu']!.at(-1));
    expect(figureOf('edge', 'cpu', 'cpu', last!)).toBe(RANKING.node!.nanoseconds['cpu']!.at(-1));
  });

  it('of a program that plays a GPU say nothing of a GPU', () => {
    expect(browser.software).toContain('gpujs:webgl2');
    expect(browser.machine).toMatch(/SwiftShader/);
    expect(figureOf('page', 'gpujs:webgl2', 'software', 1000)).toBeGreaterThan(0);
    expect(figureOf('page', 'gpujs:webgl2', 'gpu', 1000)).toBeUndefined();
  });

  it('lie between those of the sizes beside it, and end at the first and the last', () => {
    const { elements, nanoseconds } = browser;
    const [ten, hundred] = nanoseconds['cpu'] as readonly number[];
    const between = Math.sqrt(elements[0]! * elements[1]!);
    expect(figureOf('page', 'cpu', 'cpu', between)).toBeCloseTo(Math.sqrt(ten! * hundred!), 10);
    expect(figureOf('page', 'cpu', 'cpu', 1)).toBe(ten);
    expect(figureOf('page', 'cpu', 'cpu', 1e9)).toBe(nanoseconds['cpu']!.at(-1));
    expect(figureOf('page', 'nobody', 'cpu', 10)).toBeUndefined();
  });
});
