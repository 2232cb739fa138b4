import { selectBackend } from '../src/index.ts';

// what the test of the browser runs in a worker
postMessage((await selectBackend()).report);
