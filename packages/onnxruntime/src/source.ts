import type { DType, FloatArray, HostTensor } from '@sgd/core';
import { listed, quoted, refuse, shapeText } from './messages.ts';
import { DOUBLE, FLOAT } from './onnx.ts';
import { type Parsed, parse, type Port, valuesOf } from './parse.ts';
import type { Parameter } from './tail.ts';
import { inRealm, sizeOf } from './tensor.ts';

/** A model that gives gradients, and where they come from. */
export interface Source {
  readonly parsed: Parsed;
  readonly parameters: readonly (Parameter & { readonly data: FloatArray })[];
  readonly loss: string;
  /** The input that the gradients are multiplied by, with its shape. */
  readonly seed: { readonly name: string; readonly dims: readonly number[] } | null;
}

/** Elements of a seed, at most: it has the shape of the loss. */
const LARGEST_SEED = 2 ** 24;

type Given = FloatArray | HostTensor;
type Entry = readonly [name: string, given: Given | undefined];

/** Takes the seed's shape as it must be for one direction: what is not fixed is 1. */
function seedOf({ inputs }: Parsed, loss: string, wanted: string | null | undefined): Source['seed'] {
  const name = wanted ?? `adj_${loss}`;
  const port = inputs.get(name);
  if (!port || wanted === null)
    return wanted ? refuse(`seed ${quoted(wanted)}: no such input, the model has ${listed(inputs.keys())}`) : null;
  const dims = port.dims.map((dim) => dim ?? 1);
  if (!(sizeOf(dims) <= LARGEST_SEED))
    refuse(`seed ${quoted(name)}: expected at most ${LARGEST_SEED} elements, got shape ${shapeText(dims)}`);
  return { name, dims };
}

/** The values that were given for a parameter. */
function givenValues(
  name: string,
  given: Given,
): { data: FloatArray; shape: readonly number[] | undefined; dtype: DType } {
  const bare = ArrayBuffer.isView(given);
  const data = (bare ? given : (given as Partial<HostTensor> | null)?.data) as FloatArray | undefined;
  const shape = bare ? undefined : (given as Partial<HostTensor> | null)?.shape;
  const type = ArrayBuffer.isView(data) ? data[Symbol.toStringTag] : '';
  if ((type !== 'Float32Array' && type !== 'Float64Array') || !(bare || Array.isArray(shape)))
    refuse(
      `parameter ${quoted(name)}: expected a Float32Array or Float64Array, or { data, shape } of one, got ${quoted(type || typeof given)}`,
    );
  return { data: inRealm(data!), shape, dtype: type === 'Float64Array' ? 'float64' : 'float32' };
}

/** The first values of a parameter: given, or those in the model. */
function valuesAt(parsed: Parsed, [name, given]: Entry): ReturnType<typeof valuesOf> {
  const at = `parameter ${quoted(name)}`;
  const initializer = parsed.initializers.get(name);
  const port: Port | undefined = parsed.inputs.get(name);
  if (!initializer && !port)
    refuse(
      `${at}: no such initializer or input, the model has ${listed([...parsed.initializers.keys(), ...parsed.inputs.keys()])}`,
    );
  const inside = initializer && valuesOf(parsed, name, initializer);
  if (given === undefined) return inside ?? refuse(`${at}: it is an input without a value, expected one in parameters`);
  const { data, shape: own, dtype } = givenValues(name, given);
  const shape = [...(own ?? inside?.shape ?? (port!.dims as number[]))];
  const fixed = port?.dims ?? inside!.shape;
  const type = dtype === 'float64' ? DOUBLE : FLOAT;
  if (
    sizeOf(shape) !== data.length ||
    fixed.length !== shape.length ||
    fixed.some((dim, k) => dim !== null && dim !== shape[k])
  )
    refuse(`${at}: expected shape ${shapeText(fixed)}, got ${data.length} values of shape ${shapeText(shape)}`);
  if ((port?.type ?? type) !== type || (inside?.dtype ?? dtype) !== dtype)
    refuse(`${at}: expected the type of the model, got ${dtype}`);
  return { data, shape, dtype };
}

/** See `TrainingOptions`. */
interface Names {
  readonly model: Uint8Array;
  readonly parameters: readonly string[] | Readonly<Record<string, Given>>;
  readonly loss: string;
  readonly gradients?: Readonly<Record<string, string>>;
  readonly seed?: string | null;
}

/** The names of parameters, each once, with the values that were given. */
function entriesOf(parameters: Names['parameters'] | null): Entry[] {
  if (typeof parameters !== 'object' || parameters === null)
    refuse(`parameters: expected names, or values by name, got ${quoted(parameters)}`);
  const entries: Entry[] = Array.isArray(parameters)
    ? (parameters as string[]).map((name) => [name, undefined])
    : Object.entries(parameters as Readonly<Record<string, Given>>);
  if (entries.length === 0) refuse('parameters: expected at least one name');
  const seen = new Set<string>();
  for (const [name] of entries) {
    if (typeof name !== 'string' || name === '' || name.endsWith('/') || name === '__proto__')
      refuse(`parameter ${quoted(name)}: expected a name that is no "__proto__" and does not end in "/"`);
    if (seen.has(name)) refuse(`parameter ${quoted(name)}: it is given twice`);
    seen.add(name);
  }
  return entries;
}

/**
 * Looks whether the model has what is named.
 *
 * @throws SgdError `SGD_INVALID_OPTION`, naming the tensor
 */
export function sourceOf({ model, parameters, loss, gradients, seed }: Names): Source {
  const parsed = parse(model);
  const entries = entriesOf(parameters);
  const wantOutput = (name: string, what: string): Port =>
    parsed.outputs.get(name) ?? refuse(`${what}: no such output, the model has ${listed(parsed.outputs.keys())}`);
  wantOutput(loss, `loss ${quoted(loss)}`);
  const all = entries.map((entry) => {
    const [name] = entry;
    const gradient = gradients && Object.hasOwn(gradients, name) ? gradients[name]! : `adj_${name}`;
    const at = `gradient ${quoted(gradient)} of ${quoted(name)}`;
    const values = valuesAt(parsed, entry);
    const { type, dims } = wantOutput(gradient, at);
    if (type !== (values.dtype === 'float64' ? DOUBLE : FLOAT))
      refuse(`${at}: expected ${values.dtype}, got ONNX type ${type}`);
    // lengths that are not fixed may be anything
    const known = sizeOf(dims.filter((dim) => dim !== null));
    const { length } = values.data;
    if (dims.includes(null) ? length % known !== 0 : length !== known)
      refuse(`${at}: expected ${length} values, got shape ${shapeText(dims)}`);
    return { name, gradient, ...values };
  });
  const other = all.find(({ dtype }) => dtype !== all[0]!.dtype);
  if (other) refuse(`parameter ${quoted(other.name)}: expected ${all[0]!.dtype} as the first one, got ${other.dtype}`);
  const found = seedOf(parsed, loss, seed);
  if (all.some(({ name }) => name === found?.name)) refuse(`seed ${quoted(found!.name)}: it is a parameter`);
  return { parsed, parameters: all, loss, seed: found };
}
