import './system/young-space.ts';
import { backupsCommand } from './commands/backups.ts';
import { dispatchCommand } from './commands/dispatch.ts';
import { doctorCommand } from './commands/doctor.ts';
import { historyCommand } from './commands/history.ts';
import { maskCommand } from './commands/mask.ts';
import { notifyCommand } from './commands/notify.ts';
import { planCommand } from './commands/plan.ts';
import { policyCommand } from './commands/policy.ts';
import { restoreCommand } from './commands/restore.ts';
import { rollbackCommand } from './commands/rollback.ts';
import { runCommand } from './commands/run.ts';
import { sweepCommand } from './commands/sweep.ts';
import { verifyCommand } from './commands/verify.ts';
import { watchCommand } from './commands/watch.ts';
import { runProgram } from './program.ts';

// Bundled, it lies beside the workflow: without `fork`, which a stack alone can carry out, and without `completion` and
// `policy schema`, which a terminal and an editor ask for: GitHub's limit has no room.
await runProgram([
  runCommand(),
  planCommand(),
  restoreCommand(),
  rollbackCommand(),
  verifyCommand(),
  doctorCommand(),
  backupsCommand(),
  historyCommand(),
  policyCommand(),
  dispatchCommand(),
  notifyCommand(),
  sweepCommand(),
  watchCommand(),
  maskCommand(),
]);
