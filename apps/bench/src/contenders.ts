import type { Contender } from './contender.ts';
import { cpu } from './contenders/cpu.ts';
import { loop } from './contenders/loop.ts';

/** The first is what the others are compared with. */
export const CONTENDERS: readonly Contender[] = [loop, cpu];
