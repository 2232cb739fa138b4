export { sgdJax } from './backend.ts';
export type { Tensor } from './tensor.ts';
