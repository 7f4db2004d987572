import './system/young-space.ts';
import { forkCommand } from './commands/fork.ts';
import { runProgram } from './program.ts';

await runProgram([forkCommand()]);
