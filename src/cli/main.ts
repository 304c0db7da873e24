#!/usr/bin/env node
import { createRequire } from 'node:module';
import type * as CommandLine from './command-line.js';

// A reader such as `head` that has enough is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

// Not by import: it opens all files at once, more than a process may where the limit of open
// files is low. Then `serve` says so in one line, and the other commands still work.
const require = createRequire(import.meta.url);
const { runCommandLine } = require('./command-line.js') as typeof CommandLine;

process.exitCode = await runCommandLine(process.argv.slice(2));
