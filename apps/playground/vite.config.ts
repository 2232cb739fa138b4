import { fileURLToPath } from 'node:url';
import { defaultClientConditions, defineConfig } from 'vite';

export default defineConfig({
  base: './', // under any path
  resolve: {
    // the packages' sources: what is served is what the working tree says
    conditions: ['@sgd/source', ...defaultClientConditions],
    // @sgd/onnxruntime names its engines for Node, too: 40 MB that no page would ever load
    alias: [
      {
        find: /^onnxruntime-(?:node|web)$/,
        replacement: fileURLToPath(new URL('src/training/absent.ts', import.meta.url)),
      },
    ],
  },
  worker: { format: 'es' }, // engines are chunks of their own
  build: { target: 'es2022', chunkSizeWarningLimit: 4096 },
});
