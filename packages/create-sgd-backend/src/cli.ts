#!/usr/bin/env node
import { main } from './main.ts';
import { endWithOutput } from './output.ts';

endWithOutput('create-sgd-backend');
process.exitCode = await main(process.argv.slice(2), process);
