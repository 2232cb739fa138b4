import { SGD } from '@sgd/core';
import { cpu as backend } from '@sgd/cpu';
import type { Contender } from '../contender.ts';

/** `@sgd/cpu` through core, as users call it. */
export const cpu: Contender = {
  name: '@sgd/cpu',
  start({ options }, values, gradient) {
    const optimizer = new SGD(options, backend());
    optimizer.build([values]);
    const gradients = [gradient];
    return () => optimizer.apply(gradients);
  },
};
