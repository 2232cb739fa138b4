import { conformance, strict } from '@sgd/conformance';
import backend from '@sgd/wasm/conformance';
import { describe, it } from 'vitest';

// tensors of the arena, then ordinary arrays; and the arena as unkind as the contract allows
conformance({ backend: () => backend(), describe, it });
conformance({ backend: () => backend('arrays'), describe, it });
conformance({ backend: async () => strict(await backend()), describe, it });
