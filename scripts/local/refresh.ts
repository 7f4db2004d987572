import { RefreshError } from '../model/errors.ts';
import { readAccount, saveAccount } from './account.ts';
import { bringUp } from './bring-up.ts';
import { runCommand } from './command.ts';
import { up } from './up.ts';

await runCommand(async (context) => {
  if (!(await readAccount(context.folder))?.applier) throw notStarted();
  const stack = await bringUp(context);
  // A changed trigger is what makes the refresh run again.
  const account = { ...stack.account, refreshTrigger: new Date().toISOString() };
  await saveAccount(context.folder, account);
  await up(context, { ...stack, account });
});

function notStarted(): RefreshError {
  return new RefreshError('bad-environment', 'there is no local stack to refresh', {
    object: '.local',
    hint: 'npm start makes one',
  });
}
