import './system/young-space.ts';
import { runProgram } from './program.ts';

// Bundled, it lies beside the workflow: without `fork`, which a stack alone can carry out, and for which GitHub's limit
// has no room.
await runProgram();
