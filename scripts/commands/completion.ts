import { Argument, Command } from 'commander';

/** A command with what may stand behind it. */
interface Words {
  /** `policy check`; '' for refresh itself. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly flags: readonly Word[];
}

interface Word {
  readonly word: string;
  readonly description: string;
}

const shells = { bash, zsh, fish } as const;

/** `refresh completion SHELL`: what a shell needs to finish words, made of the commands as they are. */
export function completionCommand(): Command {
  return new Command('completion')
    .description('print what a shell needs to complete commands and flags')
    .addArgument(new Argument('<shell>').choices(Object.keys(shells)))
    .addHelpText(
      'after',
      `
Examples (the alias, since the registry has a stranger's package named refresh; with -- even refresh --help is ours):
  alias refresh='npx --no -- refresh'
  source <(refresh completion bash)          # for this shell; to stay: refresh completion bash >> ~/.bashrc
  source <(refresh completion zsh)           # the same with ~/.zshrc, below its compinit
  refresh completion fish | source           # to stay: > ~/.config/fish/completions/refresh.fish`,
    )
    .action((shell: keyof typeof shells, _flags: unknown, command: Command) => {
      process.stdout.write(shells[shell](wordsOf(command.parent as Command)));
    });
}

/** Every command below `program`, the deepest first, so that the first match is the right one. */
function wordsOf(program: Command): Words[] {
  const visit = (command: Command, path: readonly string[]): Words[] => [
    ...command.commands.flatMap((each) => visit(each, [...path, each.name()])),
    {
      path: path.join(' '),
      commands: [
        ...command.commands.map((each) => ({ word: each.name(), description: each.description() })),
        ...command.registeredArguments.flatMap(({ argChoices = [] }) =>
          argChoices.map((word) => ({ word, description: '' })),
        ),
      ],
      flags: [...command.options, ...(command === program ? [] : program.options)].flatMap(
        ({ long, description }) => (long ? [{ word: long, description }] : []),
      ),
    },
  ];
  return visit(program, []);
}

function bash(all: readonly Words[]): string {
  const cases = all.map(
    ({ path, commands, flags }) =>
      `    ${patternOf(path)}) words=${quoted([...commands, ...flags].map(({ word }) => word).join(' '))} ;;`,
  );
  return `_refresh() {
  local current=\${COMP_WORDS[COMP_CWORD]} words
  case "\${COMP_WORDS[*]:1:COMP_CWORD-1}" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _refresh refresh
`;
}

function zsh(all: readonly Words[]): string {
  const cases = all.map(({ path, commands, flags }) => {
    const list = [...commands, ...flags].map(({ word, description }) => quoted(`${word}:${description}`));
    return `    ${patternOf(path)}) list=(${list.join(' ')}) ;;`;
  });
  return `#compdef refresh
_refresh() {
  local -a list
  case "\${(j: :)words[2,CURRENT-1]}" in
${cases.join('\n')}
  esac
  _describe refresh list || _files
}
compdef _refresh refresh
`;
}

function fish(all: readonly Words[]): string {
  return `${all
    .flatMap(({ path, commands, flags }) => {
      const where =
        path === ''
          ? '__fish_use_subcommand'
          : path
              .split(' ')
              .map((name) => `__fish_seen_subcommand_from ${name}`)
              .join('; and ');
      const line = (what: string, { description }: Word) =>
        `complete -c refresh -n ${fishQuoted(where)} ${what} -d ${fishQuoted(description)}`;
      return [
        ...commands.map((each) => line(`-f -a ${each.word}`, each)),
        ...flags.map((each) => line(`-l ${each.word.slice(2)}`, each)),
      ];
    })
    .join('\n')}
`;
}

/** What stands before the cursor: the command alone, or with more behind it. */
function patternOf(path: string): string {
  return path === '' ? '*' : `${quoted(path)}|${quoted(`${path} `)}*`;
}

/** A word of bash and zsh, whatever it holds. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
