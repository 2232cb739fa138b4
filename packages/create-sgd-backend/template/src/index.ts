export { myBackend } from './backend.ts';
export type { Tensor } from './engine.ts';
