import { bringUp } from './bring-up.ts';
import { runCommand } from './command.ts';
import { up } from './up.ts';

await runCommand(async (context) => {
  await up(context, await bringUp(context));
});
