import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { findChromium } from './tooling/chromium.mjs';

// A browser is used where there is one.
const chrome = findChromium();
const chromeArgs = [
  '--no-sandbox', // root, containers
  '--enable-unsafe-webgpu', // without it there is no adapter on software rendering
  '--use-webgpu-adapter=swiftshader',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--disable-background-networking',
  '--disable-component-update',
  '--no-first-run',
];
// Tests run from source: packages export `src` under this condition, in the workspace only.
const source = '@sgd/source';
const forNode = [source, 'module', 'node', 'development|production'];

const projects: TestProjectConfiguration[] = [
  {
    resolve: { conditions: forNode },
    ssr: { resolve: { conditions: forNode } },
    test: {
      name: 'node',
      environment: 'node',
      testTimeout: 30_000, // two busy cores
      include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'tests/**/*.test.ts'],
      exclude: ['**/node_modules/**', '**/*.browser.test.ts', '**/*.pack.test.ts'],
      typecheck: { enabled: true, include: ['packages/*/test/**/*.test-d.ts'], tsconfig: './tsconfig.json' },
    },
  },
  {
    test: {
      name: 'pack',
      environment: 'node',
      include: ['tests/**/*.pack.test.ts'],
      testTimeout: 60_000,
      hookTimeout: 120_000,
    },
  },
];
if (chrome) {
  projects.push({
    resolve: { conditions: [source, 'module', 'browser', 'development|production'] },
    // found while a test runs, they would make Vite load the page again
    optimizeDeps: {
      include: [
        '@tensorflow/tfjs-core',
        '@tensorflow/tfjs-layers',
        '@tensorflow/tfjs-backend-cpu',
        '@tensorflow/tfjs-backend-wasm',
        '@sgd/tfjs > @tensorflow/tfjs-backend-webgl',
        '@sgd/tfjs > @tensorflow/tfjs-backend-webgpu',
      ],
    },
    test: {
      name: 'browser',
      testTimeout: 60_000, // shaders are compiled, and drawn, in software
      include: ['packages/*/test/**/*.browser.test.ts', 'apps/*/test/**/*.browser.test.ts'],
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: { executablePath: chrome, args: chromeArgs } }),
        instances: [{ browser: 'chromium' }],
      },
    },
  });
} else {
  console.warn('no Chromium (CHROME_PATH): the project "browser" is left out');
}
export default defineConfig({
  test: { projects, coverage: { provider: 'v8', include: ['packages/*/src/**'] } },
});
