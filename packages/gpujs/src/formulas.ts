/**
 * A kernel as text, since gpu.js reads the text of functions and minifiers rename what is in them. `arrays` and `numbers` are the names of its parameters, a
 * letter each and in this order; `n` is an integer. In `body`, `$x` is the element of the array `x` that belongs to the thread, `#x` the only element of `x`,
 * and `R` rounds to float32: modes that compute in float32 anyway ignore it.
 */
export interface Formula {
  readonly arrays: string;
  readonly numbers: string;
  readonly body: string;
  /** Whether there is a second result: what the body calls `keep` with. */
  readonly keeps?: boolean;
}

const formula = (arrays: string, numbers: string, body: string): Formula => ({ arrays, numbers, body });

/** The text that gpu.js takes. `own`: the arrays whose elements come from functions in the language of the device. */
export function sourceOf({ arrays, numbers, body }: Formula, own?: string): string {
  const code = body
    .replaceAll(/\$(\w)/g, (_, x: string) => (own?.includes(x) ? `own_${x}()` : `${x}[this.thread.x]`))
    .replaceAll(/#(\w)/g, own === undefined ? '$1[0]' : 'only_$1()')
    .replaceAll('R(', 'Math.fround(');
  return `function kernel(${(arrays + numbers).split('').join(', ')}) { ${code} }`;
}

/** Elements that a thread of a reduction takes. */
export const CHUNK = 64;

// The test is by magnitude: compilers for GPUs assume that nothing is NaN, and fold `x !== x` and `x - x`.
const FINITE = (x: string): string => `Math.abs(${x}) <= 3.4028234663852886e38`;

/** A reduction: `each` for up to 64 elements `k`, then the variable `s`. */
const reduction = (arrays: string, each: string): Formula =>
  formula(
    arrays,
    'n',
    `var s = 0.0; for (let j = 0; j < ${CHUNK}; j++) { var k = this.thread.x * ${CHUNK} + j; if (k < n) { ${each} } } return s;`,
  );

export const fill: Formula = formula('', 'v', 'return v;');
export const copy: Formula = formula('g', '', 'return $g;');

/** `max(g, v)`, NaN if either is. */
export const largest: Formula = formula(
  'gv',
  '',
  'var a = $g; var b = $v; var y = a + b; if (a > b) { y = a; } if (b >= a) { y = b; } return y;',
);

/** `(g / s + v) / c`, then between `-l` and `l`; each part if it is asked for. */
export function gradientOf(unscale: boolean, add: boolean, mean: boolean, clip: boolean): Formula {
  const clipped = `if (${FINITE('y')}) { y = Math.max(-l, Math.min(l, y)); } else { if (y > 0.0) { y = l; } if (y < 0.0) { y = -l; } }`;
  return formula(
    add ? 'gv' : 'g',
    `${unscale ? 's' : ''}${mean ? 'c' : ''}${clip ? 'l' : ''}`,
    `var y = $g; ${unscale ? 'y = R(y / s);' : ''} ${add ? 'y = R(y + $v);' : ''} ${mean ? 'y = R(y / c);' : ''} ${clip ? clipped : ''} return y;`,
  );
}

/** `(g * c) / d` */
export const clipNorm: Formula = formula('gd', 'c', 'return R(R($g * c) / #d);');
/** `g * d` */
export const clipGlobal: Formula = formula('gd', '', 'return R($g * #d);');
/** `max(norm, c)` of a sum of squares. Compilers make `max` of the comparison alone, which forgets NaN. */
export const divisor: Formula = formula(
  's',
  'c',
  `var n = #s; if (n > 0.0) { n = R(Math.sqrt(n)); } var y = n; if (n <= c) { y = c; } if (${FINITE('n')}) { return y; } return n;`,
);
/** `c * min(1 / norm, q)` of a sum of squares, `u` (NaN) where that is not finite */
export const factor: Formula = formula(
  's',
  'cqu',
  `var n = #s; var y = q; if (n > 0.0) { n = R(Math.sqrt(n)); y = R(1.0 / n); if (q <= y) { y = q; } } y = R(c * y); if (${FINITE('n')}) { return y; } return u;`,
);

/** `b * a + c * x` with `c` = 1 - `b` */
export const average: Formula = formula('ax', 'bc', 'return R(R($a * b) + R($x * c));');

const VELOCITY = 'R(R($m * b) - R($g * l))';
/** `m * b - g * l` */
export const momentum: Formula = formula('mg', 'bl', `return ${VELOCITY};`);

/**
 * The rule, decay first: `x - g * l`, `x + m` or `x + (m * b - g * l)`. `both`: for `m` as it was before, and what it becomes is kept.
 */
export function ruleOf(rule: 'plain' | 'momentum' | 'nesterov', decays: boolean, both: boolean): Formula {
  const m = both ? 'n' : '$m';
  const [arrays, numbers, result] = {
    plain: ['xg', 'l', 'y - R($g * l)'],
    momentum: ['xm', decays ? 'l' : '', `y + ${m}`],
    nesterov: ['xmg', 'bl', `y + R(R(${m} * b) - R($g * l))`],
  }[rule] as [string, string, string];
  return {
    arrays: both ? 'xmg' : arrays,
    numbers: `${both ? 'bl' : numbers}${decays ? 'w' : ''}`,
    keeps: both,
    body: `${both ? `var n = keep(${VELOCITY});` : ''} var y = $x; ${decays ? 'y = R(y - R(R(y * w) * l));' : ''} return R(${result});`,
  };
}

export const squares: Formula = reduction('g', 's += g[k] * g[k];');
export const differences: Formula = reduction('gx', 'var d = g[k] - x[k]; s += d * d;');
export const sum: Formula = reduction('g', 's += g[k];');
export const flaws: Formula = reduction('g', `if (${FINITE('g[k]')}) { s += 0.0; } else { s += 1.0; }`);
/** The sum of two to four sums. */
export function sumOf(count: number): Formula {
  const names = ['a', 'b', 'c', 'd'].slice(0, count);
  return formula(names.join(''), '', `return ${names.map((name) => `#${name}`).join(' + ')};`);
}
