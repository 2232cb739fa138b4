import { PIECE_BYTES, RECORD, TASK } from './layout.ts';
import { PASS_LOCALS, PASS_SIGNATURE } from './loop.ts';
import { FunctionWriter, type Signature } from './function.ts';
import type { ModuleWriter } from './module.ts';
import { FLOAT_TYPES, type FloatType, OP, SIMD } from './opcodes.ts';

// The functions of a module that are the same for all kernels: they run lists of tasks, and stream gradients in chunks.

/** The address of a list of addresses of tasks, and their count. */
const LIST_PARAMS: Signature['params'] = ['i32', 'i32'];

const tensorAt = (tensor: number): number => 4 * (RECORD.tensors + tensor);

/**
 * Adds a function of (record, from, bytes, kind): if the host streams the gradient, requests a chunk, and sets the address in the
 * record as if the whole gradient were in memory around that chunk.
 *
 * @param feed - the number of the imported function
 */
export function addFeedPiece(module: ModuleWriter, feed: number): number {
  const code = new FunctionWriter({ params: ['i32', 'i32', 'i32', 'i32'], results: [] });
  const [record, from, bytes, kind] = [0, 1, 2, 3] as const;
  code.get(record).memory(OP.i32Load, 4 * RECORD.fed);
  code.if(() => {
    code.get(record);
    code
      .get(record)
      .memory(OP.i32Load, 4 * RECORD.fed)
      .get(kind)
      .op(OP.i32Or);
    code.get(from).get(bytes).call(feed).get(from).op(OP.i32Sub);
    code.memory(OP.i32Store, tensorAt(0));
  });
  return module.add(code);
}

/** Adds a function of (function in the table, record, numbers), which calls it once for all elements, or once per chunk of a streamed gradient. */
export function addInPieces(module: ModuleWriter, feedPiece: number): number {
  const code = new FunctionWriter({ params: ['i32', 'i32', 'i32'], results: [] });
  const [slot, record, numbers] = [0, 1, 2] as const;
  const [from, bytes, size] = [code.local('i32'), code.local('i32'), code.local('i32')];
  const pass = module.type(PASS_SIGNATURE);
  const run = (count: number): void =>
    void code.get(record).get(numbers).get(from).get(count).get(slot).op(OP.callIndirect, pass, 0);
  code
    .get(record)
    .memory(OP.i32Load, 4 * RECORD.bytes)
    .set(bytes);
  code.get(record).memory(OP.i32Load, 4 * RECORD.fed);
  code.if(
    () =>
      code.countTo(from, bytes, PIECE_BYTES, () => {
        const left = (): FunctionWriter => code.get(bytes).get(from).op(OP.i32Sub);
        left();
        code.i32(PIECE_BYTES);
        left().i32(PIECE_BYTES).op(OP.lessUnsigned, OP.select).set(size);
        code.get(record).get(from).get(size).i32(0).call(feedPiece);
        run(size);
      }),
    () => run(bytes),
  );
  return module.add(code);
}

/** Adds a pass that checks the gradient of a record for non-finite elements. */
export function addLookAt(module: ModuleWriter, inPieces: number, size: 4 | 8): number {
  const type = size === 4 ? FLOAT_TYPES.float32 : FLOAT_TYPES.float64;
  const slot = module.slotOf(module.add(lookingFunction(type)));
  const code = new FunctionWriter(PASS_SIGNATURE);
  code.i32(slot).get(PASS_LOCALS.record).get(PASS_LOCALS.numbers).call(inPieces);
  return module.add(code);
}

/** `x - x` is 0 unless `x` is NaN or infinite: then it is NaN. */
function lookingFunction({ vector, size, loadZero }: FloatType): FunctionWriter {
  const code = new FunctionWriter(PASS_SIGNATURE);
  const [gradient, index, end] = [code.local('i32'), code.local('i32'), code.local('i32')];
  const found = [code.local('v128'), code.local('v128')];
  const element = code.local('v128');
  const look = (opcode: number, offset: number, into: number): void => {
    code.get(gradient).get(index).op(OP.i32Add).simdMemory(opcode, offset).tee(element).get(element);
    code.simd(vector.sub).get(into).simd(SIMD.or).set(into);
  };
  code.get(PASS_LOCALS.record).memory(OP.i32Load, tensorAt(0)).get(PASS_LOCALS.from).op(OP.i32Add).set(gradient);
  code.get(PASS_LOCALS.bytes).i32(-32).op(OP.i32And).set(end);
  code.countTo(index, end, 32, () => found.forEach((into, i) => look(SIMD.load, 16 * i, into)));
  code.countTo(index, PASS_LOCALS.bytes, size, () => look(loadZero, 0, found[0]!));
  code.get(found[0]!).get(found[1]!).simd(SIMD.or).simd(SIMD.anyTrue);
  return code.op(OP.getGlobal, 0, OP.i32Or, OP.setGlobal, 0);
}

/** Loops over a list of tasks, and skips those without work. */
function forEachTask(code: FunctionWriter, slotAt: number, run: (slot: number, task: number) => void): void {
  const [list, count] = [0, 1] as const;
  const [task, slot, end] = [code.local('i32'), code.local('i32'), code.local('i32')];
  code.get(count).i32(2).op(OP.shiftLeft).get(list).op(OP.i32Add).set(end);
  code.countTo(list, end, 4, () => {
    code
      .get(list)
      .memory(OP.i32Load, 0)
      .tee(task)
      .memory(OP.i32Load, 4 * slotAt)
      .tee(slot);
    code.if(() => run(slot, task));
  });
}

/** Adds the export `write`: runs the writing passes of tasks. */
export function addWrite(module: ModuleWriter, inPieces: number): void {
  const code = new FunctionWriter({ params: LIST_PARAMS, results: [] });
  forEachTask(code, TASK.write, (slot, task) => {
    code.get(slot);
    code.get(task).memory(OP.i32Load, 4 * TASK.record);
    code
      .get(task)
      .memory(OP.i32Load, 4 * TASK.numbers)
      .call(inPieces);
  });
  module.export('write', module.add(code));
}

/** Adds the export `reduce`: runs the reading passes of tasks, until something is not finite. Returns whether all is. */
export function addReduce(module: ModuleWriter): void {
  const code = new FunctionWriter({ params: LIST_PARAMS, results: ['i32'] });
  const record = code.local('i32');
  code.i32(0).op(OP.setGlobal, 0);
  forEachTask(code, TASK.reduce, (slot, task) => {
    code
      .get(task)
      .memory(OP.i32Load, 4 * TASK.record)
      .tee(record);
    code
      .get(task)
      .memory(OP.i32Load, 4 * TASK.numbers)
      .i32(0);
    code.get(record).memory(OP.i32Load, 4 * RECORD.bytes);
    code.get(slot).op(OP.callIndirect, module.type(PASS_SIGNATURE), 0).op(OP.getGlobal, 0);
    code.if(() => code.i32(0).op(OP.return));
  });
  code.i32(1);
  module.export('reduce', module.add(code));
}
