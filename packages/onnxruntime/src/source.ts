import { type FloatArray, type HostTensor, SgdError } from '@sgd/core';
import { DOUBLE, FLOAT } from './onnx.ts';
import { type Parsed, parse, type Port, valuesOf } from './parse.ts';
import type { Parameter } from './tail.ts';
import { sizeOf } from './tensor.ts';

/** A model that gives gradients, and where they come from. */
export interface Source {
  readonly parsed: Parsed;
  readonly parameters: readonly (Parameter & { readonly data: FloatArray })[];
  readonly loss: string;
  /** The input that the gradients are multiplied by, with its shape. */
  readonly seed: { readonly name: string; readonly dims: readonly number[] } | null;
}

export const refuse: (message: string) => never = (message) => {
  throw new SgdError('SGD_INVALID_OPTION', message);
};
export const listed = (names: Iterable<string>): string => [...names].join(', ') || 'none';

/** Takes the seed's shape as it must be for one direction: what is not fixed is 1. */
function seedOf({ inputs }: Parsed, loss: string, wanted: string | null | undefined): Source['seed'] {
  const name = wanted ?? `adj_${loss}`;
  const port = inputs.get(name);
  if (port && wanted !== null) return { name, dims: port.dims.map((dim) => dim ?? 1) };
  return wanted ? refuse(`seed ${name}: no such input, the model has ${listed(inputs.keys())}`) : null;
}

const isArray = (value: FloatArray | HostTensor): value is FloatArray => ArrayBuffer.isView(value);

/** The first values of a parameter: given, or those in the model. */
function valuesAt(
  name: string,
  parsed: Parsed,
  given: FloatArray | HostTensor | undefined,
): ReturnType<typeof valuesOf> {
  const raw = parsed.initializers.get(name);
  const port: Port | undefined = parsed.inputs.get(name);
  if (!raw && !port)
    refuse(
      `parameter ${name}: no such initializer or input, the model has ${listed([...parsed.initializers.keys(), ...parsed.inputs.keys()])}`,
    );
  const inside = raw && valuesOf(name, raw);
  if (!given) return inside ?? refuse(`parameter ${name}: it is an input without a value, expected one in parameters`);
  const data = isArray(given) ? given : given.data;
  const dtype = data instanceof Float64Array ? 'float64' : 'float32';
  const shape = [...(isArray(given) ? (inside?.shape ?? (port!.dims as number[])) : given.shape)];
  const fixed = port?.dims ?? inside!.shape;
  const type = dtype === 'float64' ? DOUBLE : FLOAT;
  if (
    sizeOf(shape) !== data.length ||
    fixed.length !== shape.length ||
    fixed.some((dim, k) => dim !== null && dim !== shape[k])
  )
    refuse(`parameter ${name}: expected shape [${fixed.join()}], got ${data.length} values of shape [${shape.join()}]`);
  if ((port?.type ?? type) !== type || (inside?.dtype ?? dtype) !== dtype)
    refuse(`parameter ${name}: expected the type of the model, got ${dtype}`);
  return { data, shape, dtype };
}

/** See `TrainingOptions`. */
interface Names {
  readonly model: Uint8Array;
  readonly parameters: readonly string[] | Readonly<Record<string, FloatArray | HostTensor>>;
  readonly loss: string;
  readonly gradients?: Readonly<Record<string, string>>;
  readonly seed?: string | null;
}

/**
 * Looks whether the model has what is named.
 *
 * @throws SgdError `SGD_INVALID_OPTION`, naming the tensor
 */
export function sourceOf({ model, parameters, loss, gradients, seed }: Names): Source {
  const parsed = parse(model);
  const given: Readonly<Record<string, FloatArray | HostTensor>> = Array.isArray(parameters)
    ? {}
    : (parameters as Readonly<Record<string, FloatArray | HostTensor>>);
  const names: readonly string[] = Array.isArray(parameters) ? parameters : Object.keys(given);
  if (names.length === 0) refuse('parameters: expected at least one name');
  const wantOutput = (name: string, what: string): Port =>
    parsed.outputs.get(name) ?? refuse(`${what}: no such output, the model has ${listed(parsed.outputs.keys())}`);
  wantOutput(loss, `loss ${loss}`);
  const all = names.map((name) => {
    const gradient = gradients?.[name] ?? `adj_${name}`;
    const values = valuesAt(name, parsed, given[name]);
    const { type, dims } = wantOutput(gradient, `gradient ${gradient} of ${name}`);
    if (type !== (values.dtype === 'float64' ? DOUBLE : FLOAT))
      refuse(`gradient ${gradient} of ${name}: expected ${values.dtype}, got ONNX type ${type}`);
    // lengths that are not fixed may be anything
    const known = sizeOf(dims.filter((dim) => dim !== null));
    const { length } = values.data;
    if (dims.includes(null) ? length % known !== 0 : length !== known)
      refuse(`gradient ${gradient} of ${name}: expected ${length} values, got shape [${dims.join()}]`);
    return { name, gradient, ...values };
  });
  const other = all.find(({ dtype }) => dtype !== all[0]!.dtype);
  if (other) refuse(`parameter ${other.name}: expected ${all[0]!.dtype} as the first one, got ${other.dtype}`);
  return { parsed, parameters: all, loss, seed: seedOf(parsed, loss, seed) };
}
