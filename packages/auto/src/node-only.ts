// What stands in a bundle for browsers in the place of a module that runs in Node only. It is never reached: see `candidates/onnxruntime.ts`.
throw new Error('onnxruntime-node runs in Node only');
export {};
