import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';

export { measureFit } from './fit.ts';
export { measureSteps } from './steps.ts';
