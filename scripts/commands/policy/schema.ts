import { Command } from 'commander';
import { policyJsonSchema } from '../../policy/policy-schema.ts';

/** `refresh policy schema`. */
export function policySchemaCommand(): Command {
  return new Command('schema')
    .description('print the JSON Schema of the policy file, for editors')
    .addHelpText('after', '\nExample:\n  npx --no refresh policy schema > refresh.policy.schema.json')
    .action(() => {
      process.stdout.write(`${JSON.stringify(policyJsonSchema(), null, 2)}\n`);
    });
}
