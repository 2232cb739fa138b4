import { type Program, type ProgramVariable, SgdError, type SgdErrorCode, shown, shownShape } from '@sgd/core';
import { type Device, sizeOf } from './device.ts';
import type { GpuRows, GpuTensor, GpuVariable } from './gpu.ts';

/** What is known of a handle that this package made. */
interface Known {
  readonly shape: readonly number[];
  readonly name?: string | undefined;
  /** The values of a handle of rows, or of one without elements. */
  readonly flat: Float32Array | null;
}

// A handle says less than it should: rows have no name, and textures at most three dimensions.
const handles = new WeakMap<object, Known>();

/** Notes what a handle is. */
export const note = (handle: object, known: Known): void => void handles.set(handle, known);

/** Whether this package made the handle, so that it may free it. */
export const isOurs = (handle: object): boolean => handles.has(handle);

/** A variable or gradient as it was found to be. */
export interface Found {
  readonly shape: readonly number[];
  /** Whether the shape was given, so that another shape with as many elements is none of it. */
  readonly exact: boolean;
  readonly name?: string | undefined;
  /** In small letters, as arrays call it. */
  readonly dtype: string;
  /** A texture, or flat values on the host; `null` for rows that lie elsewhere. */
  readonly values: object | null;
}

/** Why a value is no variable or gradient. */
export interface Misfit {
  readonly code: SgdErrorCode;
  readonly text: string;
}

/** What a value is, or why it can't be used. */
function inspect(device: Device, value: unknown, depth = 0): Found | Misfit {
  if (typeof value !== 'object' || value === null || depth > 2) return misfit(value);
  const known = handles.get(value);
  const flaw = device.flawOf(value);
  if (flaw) return flaw;
  if (known) return { ...known, exact: true, dtype: 'float32', values: known.flat ?? value };
  if (flaw === null) {
    const shape = device.shapeOf(value);
    return { shape, exact: shape.length > 1, dtype: 'float32', values: value };
  }
  if (ArrayBuffer.isView(value)) {
    const { length } = value as Float32Array;
    return length === undefined ? misfit(value) : fit(device, [length], false, value as Float32Array, value);
  }
  if (Array.isArray(value)) {
    const shape = shapeOfRows(value as unknown as GpuRows);
    return shape ? fit(device, shape, true, new Float32Array(0), null) : misfit(value);
  }
  if ('toArray' in value) {
    const cure = 'make it by kernels of the GPU that was given, or pass what toArray() gives';
    return { code: 'SGD_UNSUPPORTED', text: `a texture of another mode than ${device.name}: ${cure}` };
  }
  const { data, shape, name } = value as Partial<GpuTensor>;
  if (data === undefined || !Array.isArray(shape) || !shape.every((n) => Number.isInteger(n) && n >= 0))
    return misfit(value);
  const inner = inspect(device, data, depth + 1);
  if ('code' in inner) return inner;
  if (Array.isArray(data) || sizeOf(inner.shape) !== sizeOf(shape)) {
    return {
      code: 'SGD_UNKNOWN_VARIABLE',
      text: `data of ${sizeOf(inner.shape)} elements with the shape ${shownShape(shape)}`,
    };
  }
  return { ...inner, shape: shape as readonly number[], exact: true, name };
}

function fit(
  device: Device,
  shape: readonly number[],
  exact: boolean,
  type: Float32Array,
  values: object | null,
): Found | Misfit {
  const size = sizeOf(shape);
  if (size > device.most) {
    const text = `${size} elements, where a texture of this device holds ${device.most}: split it into several`;
    return { code: 'SGD_UNSUPPORTED', text };
  }
  return { shape, exact, dtype: type[Symbol.toStringTag].slice(0, -5).toLowerCase(), values };
}

function misfit(value: unknown): Misfit {
  const kind = shown(value);
  const text =
    kind === 'Promise'
      ? 'a promise: await it'
      : `${kind}, expected a Float32Array, a texture, or { data, shape } of one`;
  return { code: 'SGD_UNKNOWN_VARIABLE', text };
}

const isRow = (value: unknown): value is Float32Array =>
  ArrayBuffer.isView(value) && (value as Float32Array)[Symbol.toStringTag] === 'Float32Array';

/** `null` unless all rows are Float32Arrays of one length. */
function shapeOfRows(rows: GpuRows): number[] | null {
  const [first] = rows;
  if (isRow(first))
    return rows.every((row) => isRow(row) && row.length === first.length) ? [rows.length, first.length] : null;
  if (!Array.isArray(first) || !first.every(isRow)) return null;
  const inner = shapeOfRows(first as GpuRows);
  const same =
    inner && rows.every((layer) => Array.isArray(layer) && shapeOfRows(layer as GpuRows)?.join() === inner.join());
  return same ? [rows.length, ...inner] : null;
}

/** A texture, or the values of the host in one array: a new one for rows that lie elsewhere. */
export function valuesOf(value: GpuVariable, { values, shape }: Found): object {
  if (values !== null) return values;
  const flat = new Float32Array(sizeOf(shape));
  let at = 0;
  const append = (rows: GpuRows): void => {
    for (const row of rows) {
      if (!isRow(row)) append(row);
      else {
        flat.set(row, at);
        at += row.length;
      }
    }
  };
  append(value as GpuRows);
  return flat;
}

const lost = (path: string): SgdError =>
  new SgdError('SGD_DETACHED', `the memory of the gradient of "${path}" was deleted, detached or resized`);

/** The values of a gradient that was not refused. Throws when it is none any more. */
export function gradientValues(device: Device, value: GpuVariable, { path }: ProgramVariable): object {
  const found = inspect(device, value);
  if ('code' in found) throw lost(path);
  return valuesOf(value, found);
}

/** Refuses values of the host that have another length than they had when they were checked. */
export function wantLength(values: object, { path, shape }: ProgramVariable): void {
  if (ArrayBuffer.isView(values) && (values as Float32Array).length !== sizeOf(shape)) throw lost(path);
}

/** What a variable is. Throws when it is none. */
export function describe(device: Device, value: unknown): Found {
  const found = inspect(device, value);
  if ('code' in found) throw new SgdError(found.code, `got ${found.text}`);
  return found;
}

/** `null` when a gradient fits; else what came. */
export function refuses(device: Device, gradient: unknown, index: number, { variables }: Program): string | null {
  const found = inspect(device, gradient);
  if ('code' in found) return found.text;
  const { shape, exact, dtype } = found;
  const wanted = variables[index]?.shape ?? [];
  const same = exact
    ? shape.length === wanted.length && shape.every((n, i) => n === wanted[i])
    : sizeOf(shape) === sizeOf(wanted);
  return same && dtype === 'float32' ? null : `one of shape ${shownShape(shape)} of ${dtype}`;
}
