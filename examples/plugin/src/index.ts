export { sgdJax, type Tensor } from './backend.ts';
