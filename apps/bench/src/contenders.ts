import type { Contender } from './contender.ts';
import { cpu } from './contenders/cpu.ts';
import { loop } from './contenders/loop.ts';
import { tfjsCpu, tfjsWasm } from './contenders/tfjs.ts';
import { wasmArena, wasmArrays, wasmNoCopyBack } from './contenders/wasm.ts';

/** All that take part, in the order of the tables. Another one is a file in `contenders/` and its name here. */
export const CONTENDERS: readonly Contender[] = [wasmArena, wasmArrays, wasmNoCopyBack, cpu, loop, tfjsCpu, tfjsWasm];
