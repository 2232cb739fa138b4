#!/usr/bin/env node
import { main } from './cli/main.ts';
import { endWithOutput } from './cli/output.ts';

endWithOutput('sgd-conformance');
process.exitCode = await main(process.argv.slice(2), process.stdout, process.stderr);
