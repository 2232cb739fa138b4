import type { Shader } from './shader.ts';

// Of one element. Comparisons with NaN may be compiled away, its bits are not.
const FUNCTIONS: Readonly<Record<string, string>> = {
  isNaN: 'bool isNaN(float a) { return (floatBitsToUint(a) & 0x7fffffffu) > 0x7f800000u; }',
  smallest: 'float smallest(float a, float b) { return isNaN(a) ? a : isNaN(b) ? b : min(a, b); }',
  largest: 'float largest(float a, float b) { return isNaN(a) ? a : isNaN(b) ? b : max(a, b); }',
  signOf: 'float signOf(float a) { return isNaN(a) ? a : sign(a); }',
  choose: 'float choose(float a, float b, float c) { return !isNaN(a) && a > 0. ? b : c; }',
  power: `float power(float a, float b) {
  if (b == 0.) return 1.;
  if (isNaN(a) || isNaN(b)) return a + b;
  float p = pow(abs(a), b);
  if (a >= 0.) return p;
  if (floor(b) != b) return uintBitsToFloat(0x7fc00000u);
  return mod(b, 2.) == 0. ? p : -p;
}`,
};

const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  smallest: ['a', 'b'],
  largest: ['a', 'b'],
  signOf: ['a'],
  choose: ['a', 'b', 'c'],
  power: ['a', 'b'],
};

/** The function for four elements at once. */
function ofFour(name: string): string {
  const parameters = PARAMETERS[name]!;
  const lanes = ['x', 'y', 'z', 'w'].map((lane) => `${name}(${parameters.map((one) => `${one}.${lane}`).join(', ')})`);
  return `vec4 ${name}(${parameters.map((one) => `vec4 ${one}`).join(', ')}) { return vec4(${lanes.join(', ')}); }`;
}

/**
 * The text of a fragment shader in GLSL ES 3. It reads the texels where it writes, at `resultUV`, from samplers `s0`, …, one for each tensor;
 * numbers on the device from the first texel of `e0`, …; the host's from the uniform `N`. Outputs are `o0`, … at their locations.
 *
 * @param isPacked - whether a texel holds four elements; otherwise one, in red
 */
export function glslSource(shader: Shader, isPacked: boolean): string {
  const { tensors, hostNumbers, deviceNumbers, outputs, calls } = shader;
  const functions = [...calls].flatMap((name) => (isPacked ? [FUNCTIONS[name]!, ofFour(name)] : [FUNCTIONS[name]!]));
  return [
    '#version 300 es',
    'precision highp float;',
    'in vec2 resultUV;',
    `#define T ${isPacked ? 'vec4' : 'float'}`,
    ...(hostNumbers.length > 0 ? [`uniform float N[${hostNumbers.length}];`] : []),
    ...tensors.map((_, i) => `uniform highp sampler2D s${i};`),
    ...deviceNumbers.map((_, i) => `uniform highp sampler2D e${i};`),
    ...outputs.map((_, i) => `layout(location = ${i}) out vec4 o${i};`),
    ...(functions.length > 0 ? [FUNCTIONS.isNaN, ...functions] : []),
    'void main() {',
    ...tensors.map((_, i) => `T t${i} = texture(s${i}, resultUV)${isPacked ? '' : '.r'};`),
    ...deviceNumbers.map((_, i) => `T d${i} = T(texelFetch(e${i}, ivec2(0), 0).r);`),
    ...hostNumbers.map((_, i) => `T n${i} = T(N[${i}]);`),
    ...shader.declarations((name, expression) => `T ${name} = ${expression};`),
    ...outputs.map((value, i) => `o${i} = vec4(${shader.nameOf(value)});`),
    '}',
  ].join('\n');
}
