import { type Entry, type Program, type Session, SgdError } from '@sgd/core';
import { apartFrom } from './apart.ts';
import type { Arena } from './arena.ts';
import { type Copy, copyOf, hold, release } from './copies.ts';
import { runner } from './gradients.ts';
import { SLOTS } from './layout.ts';
import { makeRecords, type Records } from './records.ts';
import { type Place, placeOf, Tensor, type WasmGradient, type WasmVariable } from './tensor.ts';

/** The tensors of each variable, in the order of {@link SLOTS}; slots and new copies of arrays are zeros. */
const slotsOf = (
  arena: Arena,
  { slots, variables }: Program,
  places: readonly Place[],
  make: (length: number) => Tensor,
): (Tensor | undefined)[][] =>
  places.map((place, i) =>
    SLOTS.map((slot) => {
      if (slot === 'variable')
        return place instanceof Tensor ? place : (copyOf(arena, place)?.tensor ?? make(place.length));
      const has = slots.has(slot) && (slot === 'accumulator' || !variables[i]!.overwrites);
      return has ? make(place.length) : undefined;
    }),
  );

/** Takes the variables, makes zero-filled slots, and lays out in the arena what a step needs. */
export function openSession(
  arena: Arena,
  copyBack: boolean,
  program: Program,
  handles: readonly WasmVariable[],
): Session<WasmVariable, WasmGradient, 'sync'> {
  const { variables } = program;
  /** All that nobody else has. */
  const made = new Set<Tensor>();
  const make = (length: number): Tensor => {
    const tensor = new Tensor(arena, [length], length);
    made.add(tensor);
    return tensor;
  };
  const free = (): void => {
    for (const tensor of made) tensor.free();
    made.clear();
  };
  // found now: to make room may detach views
  const places = handles.map((handle) => placeOf(handle, arena));
  const wantApart = apartFrom(places, variables);
  /** The user's own arrays, of which the arena has copies; none for tensors. */
  const arrays = places.map((place) => (place instanceof Tensor ? null : place));
  let tensors: (Tensor | undefined)[][];
  let records: Records;
  try {
    tensors = slotsOf(arena, program, places, make);
    records = makeRecords(arena, program, tensors, make);
  } catch (error) {
    free();
    throw error;
  }
  /** Of arrays; not of those without elements, which may be detached. */
  const copies = arrays.map((array, i): Copy | null => {
    if (!array?.length) return null;
    const tensor = tensors[i]![0]!;
    made.delete(tensor);
    return hold(arena, array, tensor, copyBack);
  });
  const run = runner(arena, variables, records, make, wantApart);

  const wantAttached = (): void => {
    for (let i = 0; i < tensors.length; i++) {
      const { at, length } = tensors[i]![0]!;
      if (at && (!arrays[i] || arrays[i]!.length === length)) continue;
      const why =
        copies[i] && !at
          ? 'was taken by another optimizer, of another arena or of another part of the array: build both on the same arrays, with one wasm()'
          : 'was freed, detached or resized';
      throw new SgdError('SGD_DETACHED', `the memory of "${variables[i]!.path}" ${why}`);
    }
  };
  const copyOut = (i: number): void => {
    if (copies[i]) arrays[i]!.set(copies[i]!.tensor.data);
  };
  const giveBack = copyBack ? copyOut : () => {};
  /** The values of a slot, of a length if one is given. */
  const find = ({ slot, index }: Entry, length?: number): Float32Array => {
    wantAttached();
    const found = tensors[index]?.[SLOTS.indexOf(slot)];
    if (found?.at && found.length === (length ?? found.length)) return found.data;
    throw new SgdError('SGD_STATE_MISMATCH', `${slot} ${index} is of length ${found?.length}, got ${length}`);
  };

  return {
    variables: handles,
    step(step, gradients, indices) {
      run.find(gradients, indices);
      wantAttached();
      if (!run.step(step, indices)) return false;
      const { phase, averageOverwrite } = step;
      for (let j = 0; j < indices.length; j++) {
        const i = indices[j]!;
        const { overwrites, constraint, shape } = variables[i]!;
        if (constraint && !overwrites) constraint(tensors[i]![0]!.data, shape);
        if ((phase === 'update' || constraint) && !averageOverwrite) giveBack(i);
      }
      if (averageOverwrite) for (let i = 0; i < variables.length; i++) giveBack(i);
      return true;
    },
    averages(action) {
      wantAttached();
      tensors.forEach(([variable, , , average], i) => {
        if (!average) return;
        const old = variable!.data.slice();
        variable!.data.set(average.data);
        if (action === 'swap') average.data.set(old);
        giveBack(i);
      });
    },
    // copied before the promise is returned
    read: async (entries) => entries.map((entry) => find(entry).slice()),
    async write(entries) {
      const targets = entries.map((entry) => find(entry, entry.values.length));
      entries.forEach(({ slot, index, values }, j) => {
        targets[j]!.set(values);
        if (slot === 'variable') giveBack(index);
      });
    },
    measured: async () => records.measured(),
    dispose() {
      if (made.size === 0) return;
      let lost = false;
      copies.forEach((copy, i) => {
        if (!copy?.tensor.at) return; // there is none, or another optimizer has the array
        const { length, buffer } = arrays[i]!;
        if (length === copy.tensor.length) copyOut(i);
        else lost = true;
        release(arena, buffer, copy);
      });
      free();
      if (lost)
        throw new SgdError('SGD_DETACHED', 'the array of a variable was detached or resized, and is not written back');
    },
  };
}
