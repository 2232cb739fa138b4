// What `assembly/layout.ts` says, for the host.

// Places in the numbers of a step, in words of four bytes.
export const SCALE = 0;
export const COUNT = 1;
export const LIMIT = 2;
export const INVERSE = 3;
export const KEEP = 4;
export const MIX = 5;
export const SQUARES = 8;
/** Words of the numbers. */
export const NUMBERS = 16;

/** Words of the rates of a group. */
export const RATES = 3;

// Further places in the record, and its words.
export const SIZE = 5;
export const RATES_AT = 6;
export const OVERWRITES = 7;
export const DECAYS = 8;
export const RECORD = 10;

// Options.
export const MOMENTUM = 1;
export const NESTEROV = 2;
export const AVERAGE = 4;
export const UNSCALE = 8;
export const ACCUMULATE = 16;
export const CLIP_VALUE = 32;
export const CLIP_NORM = 64;
export const CLIP_GLOBAL_NORM = 128;
export const FINITE = 256;
export const GRADIENT_NORM = 512;
export const UPDATE_NORM = 1024;
export const DECAY = 2048;
export const SPARE = 4096;
export const UNSCALE_DIVIDES = 8192;
export const MEAN_DIVIDES = 16384;
export const AVERAGE_OVERWRITES = 32768;

// Of a step.
export const UPDATE = 1;
export const ORDINARY = 2;
