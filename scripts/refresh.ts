import './system/young-space.ts';
import { runProgram } from './program.ts';

/** Reading what the other commands need takes longer than many a command: only the one that is asked for is read. */
const commands = {
  run: async () => (await import('./commands/run.ts')).runCommand(),
  plan: async () => (await import('./commands/plan.ts')).planCommand(),
  fork: async () => (await import('./commands/fork.ts')).forkCommand(),
  restore: async () => (await import('./commands/restore.ts')).restoreCommand(),
  rollback: async () => (await import('./commands/rollback.ts')).rollbackCommand(),
  verify: async () => (await import('./commands/verify.ts')).verifyCommand(),
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand(),
  backups: async () => (await import('./commands/backups.ts')).backupsCommand(),
  history: async () => (await import('./commands/history.ts')).historyCommand(),
  policy: async () => {
    const { policySchemaCommand } = await import('./commands/policy/schema.ts');
    return (await import('./commands/policy.ts')).policyCommand().addCommand(policySchemaCommand());
  },
  dispatch: async () => (await import('./commands/dispatch.ts')).dispatchCommand(),
  notify: async () => (await import('./commands/notify.ts')).notifyCommand(),
  sweep: async () => (await import('./commands/sweep.ts')).sweepCommand(),
  watch: async () => (await import('./commands/watch.ts')).watchCommand(),
  mask: async () => (await import('./commands/mask.ts')).maskCommand(),
  completion: async () => (await import('./commands/completion.ts')).completionCommand(),
};

/** All of them for the help that lists them, for what is no command, and for those that complete words. */
function asked(words: readonly string[]) {
  const name = words.find((word) => Object.hasOwn(commands, word)) as keyof typeof commands | undefined;
  return name === undefined || name === 'completion' ? Object.values(commands) : [commands[name]];
}

await runProgram(await Promise.all(asked(process.argv.slice(2)).map((make) => make())));
