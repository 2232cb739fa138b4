import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import { float16 } from '../src/pictures/float16.ts';
import { FOLDER, pictures } from '../src/pictures/pictures.ts';

const drawn = await pictures();

describe('the pictures', () => {
  it('that are kept are those that are drawn', () => {
    expect(readdirSync(FOLDER).toSorted()).toEqual([...drawn.keys()].toSorted());
  });

  describe.each([...drawn])('%s', (file, svg) => {
    it('is as the optimizer goes; `npm run pictures` draws it anew', () => {
      expect(readFileSync(join(FOLDER, file), 'utf8')).toBe(svg);
    });

    it('is a small, well-formed image that says what one sees, for light and dark', () => {
      const elements: { name: string; label: unknown }[] = [];
      const parser = new SaxesParser();
      parser.on('opentag', ({ name, attributes }) => elements.push({ name, label: attributes['aria-label'] }));
      parser.write(svg).close();
      expect(elements[0]).toEqual({ name: 'svg', label: expect.stringMatching(/^[A-Z].{20,}\.$/) });
      expect(svg).toContain('prefers-color-scheme: dark');
      expect(svg).not.toMatch(/NaN|undefined/);
      expect(svg.length).toBeLessThanOrEqual(20_000);
    });
  });
});

describe('float16', () => {
  it.each([
    [1, 1],
    [0.1, 0.0999755859375],
    [1 + 2 ** -11, 1], // half-way goes to the even one
    [1 + 3 * 2 ** -11, 1 + 2 ** -9],
    [65519, 65504],
    [65520, Infinity],
    [-1e6, -Infinity],
    [2 ** -24, 2 ** -24],
    [2 ** -25, 0],
    [-(2 ** -25) * 1.01, -(2 ** -24)],
    [Infinity, Infinity],
  ])('of %d is %d', (number, wanted) => {
    expect(float16(number)).toBe(wanted);
  });
});
