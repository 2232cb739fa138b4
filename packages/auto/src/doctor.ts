#!/usr/bin/env node
import { main } from './doctor/main.ts';
import { endWithOutput } from './doctor/output.ts';

endWithOutput('@sgd/auto');
process.exitCode = await main(process.argv.slice(2), process);
