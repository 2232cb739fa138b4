import { KEEP, MIX, type Stage } from '../plan.ts';

// Every operation is rounded to float32, by `f` or by a store. Loops take four elements at a time: V8 then checks for interrupts and
// for the end of the loop once, and the four do not wait for each other.
const f = Math.fround;
const mixed = (b: number, a: number, c: number, x: number): number => f(f(b * a) + f(c * x));

export const average: Stage = ({ x, a, k }, _g, _o, i, e) => {
  const b = k[KEEP]!;
  const c = k[MIX]!;
  for (; i + 3 < e; i += 4) {
    const v0 = mixed(b, a[i]!, c, x[i]!);
    const v1 = mixed(b, a[i + 1]!, c, x[i + 1]!);
    const v2 = mixed(b, a[i + 2]!, c, x[i + 2]!);
    const v3 = mixed(b, a[i + 3]!, c, x[i + 3]!);
    a[i] = v0;
    a[i + 1] = v1;
    a[i + 2] = v2;
    a[i + 3] = v3;
  }
  for (; i < e; i++) {
    const v0 = mixed(b, a[i]!, c, x[i]!);
    a[i] = v0;
  }
};

export const averageOver: Stage = ({ x, a, k }, _g, _o, i, e) => {
  const b = k[KEEP]!;
  const c = k[MIX]!;
  for (; i + 3 < e; i += 4) {
    const v0 = mixed(b, a[i]!, c, x[i]!);
    const v1 = mixed(b, a[i + 1]!, c, x[i + 1]!);
    const v2 = mixed(b, a[i + 2]!, c, x[i + 2]!);
    const v3 = mixed(b, a[i + 3]!, c, x[i + 3]!);
    a[i] = v0;
    a[i + 1] = v1;
    a[i + 2] = v2;
    a[i + 3] = v3;
    x[i] = v0;
    x[i + 1] = v1;
    x[i + 2] = v2;
    x[i + 3] = v3;
  }
  for (; i < e; i++) {
    const v0 = mixed(b, a[i]!, c, x[i]!);
    a[i] = v0;
    x[i] = v0;
  }
};
