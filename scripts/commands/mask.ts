import { Command } from 'commander';
import { environmentName } from '../contract.ts';
import { workflowCommand } from '../system/workflow-command.ts';

/** A shorter word would turn every log into asterisks. */
const shortest = 4;

/** `refresh mask`: GitHub masks its secrets as they are, and not what can be taken from them. */
export function maskCommand(): Command {
  return new Command('mask')
    .description(
      'tells GitHub’s runner what is secret in its secrets: passwords of URLs, addresses, single lines',
    )
    .addHelpText(
      'after',
      '\nOf no use elsewhere: it prints what must not be seen, in lines that the runner takes away.\n\nExample (a step of a workflow):\n  node refresh.mjs mask',
    )
    .action(() => {
      if (!process.env.GITHUB_ACTIONS) return;
      const values = [...new Set(derivedValues(process.env))];
      process.stdout.write(values.map((value) => `${workflowCommand('add-mask', value)}\n`).join(''));
    });
}

function derivedValues(environment: Readonly<Record<string, string | undefined>>): string[] {
  const { productionUrl, stagingUrl, notifyUrl, mailUrl, digitalOceanToken, maskKey } = environmentName;
  const derived = [productionUrl, stagingUrl, notifyUrl, mailUrl].flatMap((name) =>
    partsOf(environment[name]),
  );
  const plain = [digitalOceanToken, maskKey].flatMap((name) => environment[name]?.trim() ?? []);
  return [...derived, ...plain].filter((value) => value.length >= shortest);
}

/** What of an address is as good as the address itself. */
function partsOf(text: string | undefined): string[] {
  const trimmed = text?.trim();
  if (!trimmed || !URL.canParse(trimmed)) return trimmed ? [trimmed] : [];
  const { password, protocol, pathname } = new URL(trimmed);
  const path = protocol.startsWith('http') ? pathname.replace(/^\//, '') : '';
  return [trimmed, password, decoded(password), path];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
