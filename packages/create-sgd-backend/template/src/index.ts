export { myBackend, type Tensor } from './backend.ts';
