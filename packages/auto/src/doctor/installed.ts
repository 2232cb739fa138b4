import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Environment, ModuleName } from '../environment.ts';

/** All that a candidate may import, and what besides says which engine it is. */
const MODULES: readonly ModuleName[] = [
  '@sgd/cpu',
  '@sgd/wasm',
  '@sgd/tfjs',
  '@sgd/onnxruntime',
  '@sgd/gpujs',
  '@tensorflow/tfjs-core',
  'onnxruntime-node',
  'onnxruntime-web',
];

/** Engines of TensorFlow.js, best first; the union package brings `cpu` and `webgl`. */
const TFJS_ENGINES = { '@tensorflow/tfjs-backend-wasm': 'wasm', '@tensorflow/tfjs-backend-cpu': 'cpu' } as const;

/** Finds packages as the program in a folder would, then as this package does. */
export class Installed {
  readonly #from: readonly string[];

  constructor(folder: string) {
    this.#from = [folder, dirname(fileURLToPath(import.meta.url))];
  }

  /** The file that `import` of the name leads to. */
  find(name: string): string | undefined {
    for (const folder of this.#from) {
      try {
        return createRequire(join(folder, 'noop.js')).resolve(name);
      } catch {
        // perhaps from the next folder
      }
    }
    return undefined;
  }

  /** The version of the package that a module is of. */
  version(name: string): string | undefined {
    const file = this.find(name);
    const wanted = name
      .split('/')
      .slice(0, name.startsWith('@') ? 2 : 1)
      .join('/');
    for (let folder = file && dirname(file); folder && folder !== dirname(folder); folder = dirname(folder)) {
      const manifest = join(folder, 'package.json');
      if (!existsSync(manifest)) continue;
      const { name: found, version } = JSON.parse(readFileSync(manifest, 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (found === wanted) return version;
    }
    return undefined;
  }

  /** This environment, with modules from there. */
  environment(): Environment {
    const found = MODULES.flatMap((name) => {
      const file = this.find(name);
      return file === undefined ? [] : [[name, () => import(pathToFileURL(file).href)] as const];
    });
    return { ...(globalThis as unknown as Environment), ...globals(), modules: Object.fromEntries(found) };
  }

  /** Starts the best engine of TensorFlow.js that there is. Whether there is one. */
  async startTfjs(): Promise<boolean> {
    for (const [name, engine] of Object.entries(TFJS_ENGINES)) {
      const [file, core] = [this.find(name), this.find('@tensorflow/tfjs-core')];
      if (file === undefined || core === undefined) continue;
      await import(pathToFileURL(file).href);
      const tf = (await import(pathToFileURL(core).href)) as { setBackend(name: string): Promise<boolean> };
      if (await tf.setBackend(engine)) return true;
    }
    return false;
  }
}

/** What of the global object is not enumerable, and so not copied. */
const globals = (): Environment => {
  const { WebAssembly, Function: make, process: node, navigator } = globalThis as unknown as Environment;
  return { WebAssembly, Function: make, process: node, navigator };
};
