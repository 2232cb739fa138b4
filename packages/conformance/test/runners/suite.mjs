// What the runners register: the whole suite, on cpu, or on one that gets shapes wrong (BROKEN=1).
import { conformance } from '@sgd/conformance';
import { cpu } from '@sgd/cpu';

export function register(describe, it) {
  const engine = cpu();
  const backend = process.env.BROKEN ? { ...engine, describe: () => ({ shape: [1], dtype: 'float32' }) } : engine;
  conformance({ backend, describe, it });
}
