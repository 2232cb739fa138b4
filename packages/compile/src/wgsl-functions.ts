import type { Shader } from './shader.ts';

// Of `T`, which is one element or four; `U` and `B` are its bits and its truth values. Comparisons with NaN may be compiled away, its bits
// are not.
const FUNCTIONS: Readonly<Record<string, string>> = {
  smallest: 'fn smallest(a: T, b: T) -> T { return select(select(min(a, b), b, isNaN(b)), a, isNaN(a)); }',
  largest: 'fn largest(a: T, b: T) -> T { return select(select(max(a, b), b, isNaN(b)), a, isNaN(a)); }',
  signOf: 'fn signOf(a: T) -> T { return select(sign(a), a, isNaN(a)); }',
  choose: 'fn choose(a: T, b: T, c: T) -> T { return select(select(c, b, a > T(0)), c, isNaN(a)); }',
  power: `fn power(a: T, b: T) -> T {
  let ofZero = select(T(1) / abs(a), T(0), b > T(0));
  let p = select(pow(abs(a), b), ofZero, a == T(0));
  let half = b * 0.5;
  let odd = select(T(0), T(1), floor(half) != half);
  let whole = select(T(0), T(1), floor(b) == b);
  let zero = a - a;
  let negative = select(zero / zero, select(p, -p, odd > T(0)), whole > T(0));
  let some = select(select(p, negative, a < T(0)), a, isNaN(a));
  return select(select(some, T(1), b == T(0)), b, isNaN(b));
}`,
};

/** The types and functions in WGSL that the declarations of a shader need. */
export function wgslFunctions({ calls }: Pick<Shader, 'calls'>, lanes: 1 | 4): string[] {
  const typeOf = (element: string): string => (lanes === 4 ? `vec4<${element}>` : element);
  return [
    `alias T = ${typeOf('f32')};`,
    ...(calls.size > 0
      ? [
          `alias U = ${typeOf('u32')};`,
          `alias B = ${typeOf('bool')};`,
          'fn isNaN(a: T) -> B { return (bitcast<U>(a) & U(0x7fffffffu)) > U(0x7f800000u); }',
        ]
      : []),
    ...[...calls].map((name) => FUNCTIONS[name]!),
  ];
}

/** Declarations in WGSL of what a shader computes from `t0`, `n0` and `d0`, … */
export function wgslDeclarations(shader: Shader): string[] {
  return shader.declarations((name, expression) => `let ${name} = ${expression};`);
}
