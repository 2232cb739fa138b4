import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Stryker runs the tests in a copy of the tree whose node_modules are links into the original: packages are therefore
// named by their place in the copy, else the mutants would never be run.
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
export default defineConfig({
  resolve: {
    alias: [
      { find: /^@sgd\/([a-z]+)$/, replacement: at('./packages/$1/src/index.ts') },
      { find: /^@sgd\/core\/engine$/, replacement: at('./packages/core/src/engine/index.ts') },
      { find: /^@sgd\/([a-z]+)\/conformance$/, replacement: at('./packages/$1/src/conformance.ts') },
    ],
  },
  test: {
    environment: 'node',
    setupFiles: ['tooling/mutation-setup.ts'],
    testTimeout: 120_000, // every branch of the sources is instrumented
    // a lower bound: the conformance suite would catch more, but takes seconds for each mutant that survives
    include: ['packages/{core,compile,cpu,wasm}/test/**/*.test.ts'],
    // nor are those run of wasm that start processes
    exclude: ['**/node_modules/**', '**/*.browser.test.ts', 'packages/wasm/test/{conformance,strict}.test.ts'],
  },
});
