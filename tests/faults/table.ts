import { writeSection } from './document.ts';
import type { Trial } from './trial.ts';

export interface Campaign {
  readonly seed: number;
  readonly rounds: number;
  readonly only: readonly string[];
  readonly trials: readonly Trial[];
  readonly reads: { readonly good: number; readonly refused: number };
  readonly minutes: number;
}

/** Puts the campaign's table into a Markdown file. */
export function writeTable(file: string, campaign: Campaign): void {
  writeSection(file, 'campaign', formatCampaign(campaign));
}

function formatCampaign({ seed, rounds, only, trials, reads, minutes }: Campaign): string {
  const names = [...new Set(trials.map(({ fault }) => `${fault.kind}: ${fault.name}`))];
  const rows = names.map((name) =>
    row(
      name,
      trials.filter(({ fault }) => `${fault.kind}: ${fault.name}` === name),
    ),
  );
  const struck = trials.filter((trial) => trial.struck).length;
  const intact = trials.filter((trial) => isIntact(trial)).length;
  return [
    `Seed ${seed}, ${rounds} rounds (\`npm run test:faults -- --seed ${seed} --rounds ${rounds} --only ${only.join(',')}\`): ${trials.length} runs, ` +
      `of which ${struck} met their fault; staging was whole after ${intact} of ${trials.length}. ${reads.good} answers of ` +
      `clients were checked, ${reads.refused} attempts met a closed or restarting server. ${minutes.toFixed(0)} minutes.`,
    '',
    '| fault | tried | old / new | staging intact | ended as | cleaned up by the run / the next run | to the end of the run: median, longest |',
    '|---|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function row(name: string, trials: readonly Trial[]): string {
  const met = trials.filter((trial) => trial.struck);
  const seconds = met.map(({ milliseconds }) => milliseconds / 1000).sort((a, b) => a - b);
  const median = seconds[Math.floor(seconds.length / 2)] ?? 0;
  const endings = new Map<string, number>();
  for (const { code, error } of met) {
    const ending = code === null ? 'killed' : code === 0 ? 'published' : `${code} ${error ?? ''}`.trim();
    endings.set(ending, (endings.get(ending) ?? 0) + 1);
  }
  const ended = [...endings]
    .map(([ending, count]) => (endings.size > 1 ? `${ending} (${count})` : ending))
    .join(', ');
  const published = met.filter((trial) => trial.published).length;
  const itself = met.filter((trial) => trial.cleanedBy === 'the run').length;
  const intact = met.filter(isIntact).length;
  return `| ${name} | ${met.length} | ${met.length - published} / ${published} | ${intact} of ${met.length} | ${ended} | ${itself} / ${met.length - itself} | ${median.toFixed(1)} s, ${(seconds.at(-1) ?? 0).toFixed(1)} s |`;
}

function isIntact({ wrong }: Trial): boolean {
  return !wrong.some((finding) => /staging is|a reader saw|the next run/.test(finding));
}
