import type { TracedValue } from '@sgd/core/engine';
import { type Shader, vanishes } from './shader.ts';

// Of `T`, which is one element or four; `B` are its truth values. Comparisons with NaN may be compiled away, its bits are not.
const FUNCTIONS: Readonly<Record<string, string>> = {
  smallest: 'T smallest(T a, T b) { return mix(mix(min(a, b), b, isNaN(b)), a, isNaN(a)); }',
  largest: 'T largest(T a, T b) { return mix(mix(max(a, b), b, isNaN(b)), a, isNaN(a)); }',
  signOf: 'T signOf(T a) { return mix(sign(a), a, isNaN(a)); }',
  choose: 'T choose(T a, T b, T c) { return mix(mix(c, b, isAbove(a, T(0.))), c, isNaN(a)); }',
  power: `T power(T a, T b) {
T ofZero = mix(T(uintBitsToFloat(0x7f800000u)), T(0.), isAbove(b, T(0.)));
T p = mix(ofZero, pow(abs(a), b), isAbove(abs(a), T(0.)));
T odd = mod(b, T(2.));
T negative = mix(mix(p, -p, isAbove(odd, T(0.5))), T(uintBitsToFloat(0x7fc00000u)), isAbove(abs(b - floor(b)), T(0.)));
T some = mix(mix(p, negative, isAbove(T(0.), a)), a + b, isNaN(a));
return mix(mix(T(1.), some, isAbove(abs(b), T(0.))), a + b, isNaN(b));
}`,
};

const OF_ONE = [
  '#define T float',
  '#define B bool',
  'B isNaN(T a) { return (floatBitsToUint(a) & 0x7fffffffu) > 0x7f800000u; }',
  'B isAbove(T a, T b) { return a > b; }',
];

const OF_FOUR = [
  '#define T vec4',
  '#define B bvec4',
  'B isNaN(T a) { return greaterThan(floatBitsToUint(a) & 0x7fffffffu, uvec4(0x7f800000u)); }',
  'B isAbove(T a, T b) { return greaterThan(a, b); }',
];

/** What a texel holds: one element, in red; or two rows of two, which may have less to hold where `gaps` are. */
export type TexelLayout = 'one' | 'four' | 'four-with-gaps';

// Texels down and across; rows and columns of the innermost matrix of the tensor.
const GAPS = [
  'uniform ivec4 size;',
  'bvec4 hasElement() {',
  'ivec2 at = ivec2(resultUV.yx * vec2(size.xy));',
  'int texel = at.x * size.y + at.y;',
  'int across = (size.w + 1) / 2;',
  'bool column = texel % across * 2 + 1 < size.w;',
  'bool row = texel / across % ((size.z + 1) / 2) * 2 + 1 < size.z;',
  'return bvec4(true, column, row, column && row);',
  '}',
];

/**
 * The text of a fragment shader in GLSL ES 3. It reads the texels where it writes, at `resultUV`, from samplers `s0`, …, one for each tensor;
 * numbers on the device from the first texel of `e0`, …; the host's from the uniform `N`. Outputs are `o0`, … at their locations. Texels
 * without an element become 0, as tfjs's own programs expect.
 */
export function glslSource(shader: Shader, layout: TexelLayout): string {
  const { tensors, hostNumbers, deviceNumbers, outputs, calls } = shader;
  const hasGaps = layout === 'four-with-gaps' && !outputs.every(vanishes);
  const result = (value: TracedValue): string => {
    const texel = `vec4(${shader.nameOf(value)})`;
    return hasGaps && !vanishes(value) ? `mix(vec4(0.), ${texel}, hasElement())` : texel;
  };
  return [
    '#version 300 es',
    'precision highp float;',
    'in vec2 resultUV;',
    ...(layout === 'one' ? OF_ONE : OF_FOUR),
    ...[...calls].map((name) => FUNCTIONS[name]!),
    ...(hasGaps ? GAPS : []),
    ...(hostNumbers.length > 0 ? [`uniform float N[${hostNumbers.length}];`] : []),
    ...tensors.map((_, i) => `uniform highp sampler2D s${i};`),
    ...deviceNumbers.map((_, i) => `uniform highp sampler2D e${i};`),
    ...outputs.map((_, i) => `layout(location = ${i}) out vec4 o${i};`),
    'void main() {',
    ...tensors.map((_, i) => `T t${i} = texture(s${i}, resultUV)${layout === 'one' ? '.r' : ''};`),
    ...deviceNumbers.map((_, i) => `T d${i} = T(texelFetch(e${i}, ivec2(0), 0).r);`),
    ...hostNumbers.map((_, i) => `T n${i} = T(N[${i}]);`),
    ...shader.declarations((name, expression) => `T ${name} = ${expression};`),
    ...outputs.map((value, i) => `o${i} = ${result(value)};`),
    '}',
  ].join('\n');
}
