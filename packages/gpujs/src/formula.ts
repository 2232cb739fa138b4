/**
 * A kernel as text, since gpu.js reads the text of functions and minifiers rename what is in them. In `body`, `$a0` is the element of the
 * tensor `a0` that belongs to the thread, `#a0` its only element, and `R` rounds to float32: modes that compute in float32 anyway ignore it.
 */
export interface Formula {
  /** The names of the parameters that are tensors. */
  readonly tensors: readonly string[];
  /** The names of the parameters that are numbers, which follow. */
  readonly numbers: readonly string[];
  readonly body: string;
  /** Whether each thread takes several elements; then the last parameter is `count`, how many there are. */
  readonly reduces: boolean;
  /** Whether there is a second result: what the body calls `keep` with. */
  readonly keeps: boolean;
}

/** Formulas by all that they are: kernels are looked up by the object. */
const known = new Map<string, Formula>();

/** The formula of these parts; always the same object for the same. */
export function formulaOf(
  parts: Pick<Formula, 'tensors' | 'numbers' | 'body'> & Partial<Pick<Formula, 'reduces' | 'keeps'>>,
): Formula {
  const { tensors, numbers, body, reduces = false, keeps = false } = parts;
  const key = [tensors.join(), numbers.join(), reduces, keeps, body].join(' ');
  let formula = known.get(key);
  if (formula === undefined) {
    formula = { tensors, numbers, body, reduces, keeps };
    known.set(key, formula);
  }
  return formula;
}

/** The text that gpu.js takes. `own`: the tensors whose elements come from functions in the language of the device. */
export function sourceOf({ tensors, numbers, body, reduces }: Formula, own?: readonly string[]): string {
  const code = body
    .replaceAll(/\$(\w+)/g, (_, name: string) => (own?.includes(name) ? `own_${name}()` : `${name}[this.thread.x]`))
    .replaceAll(/#(\w+)/g, own === undefined ? '$1[0]' : 'only_$1()')
    .replaceAll('R(', 'Math.fround(');
  const parameters = [...tensors, ...numbers, ...(reduces ? ['count'] : [])];
  return `function kernel(${parameters.join(', ')}) { ${code} }`;
}

/** Elements that a thread of a reduction takes. */
export const CHUNK = 64;

/** The test is by magnitude: compilers for GPUs assume that nothing is NaN, and fold `x !== x` and `x - x`. */
export const isFinite = (name: string): string => `Math.abs(${name}) <= 3.4028234663852886e38`;

/** A sum, by chunks: `each` adds to `total` what belongs to the element `k`. */
export function reductionOf(tensors: readonly string[], numbers: readonly string[], each: string): Formula {
  const loop = `for (let j = 0; j < ${CHUNK}; j++) { var k = this.thread.x * ${CHUNK} + j; if (k < count) { ${each} } }`;
  return formulaOf({ tensors, numbers, body: `var total = 0.0; ${loop} return total;`, reduces: true });
}

/** Every element becomes a number. */
export const fill: Formula = formulaOf({ tensors: [], numbers: ['value'], body: 'return value;' });
/** A tensor, as it is. */
export const copy: Formula = formulaOf({ tensors: ['a0'], numbers: [], body: 'return $a0;' });
/** The sum of all elements. */
export const sum: Formula = reductionOf(['a0'], [], 'total += a0[k];');
/** How many elements are not finite. */
export const flaws: Formula = reductionOf(
  ['a0'],
  [],
  `if (${isFinite('a0[k]')}) { total += 0.0; } else { total += 1.0; }`,
);

/** The sum of a few sums. */
export function sumOf(count: number): Formula {
  const tensors = Array.from({ length: count }, (_, i) => `a${i}`);
  return formulaOf({ tensors, numbers: [], body: `return ${tensors.map((name) => `#${name}`).join(' + ')};` });
}
