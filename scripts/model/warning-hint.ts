/** What to do about a warning, by how it begins; most say it themselves. */
const hints: readonly { readonly begins: RegExp; readonly hint: string }[] = [
  {
    begins: /^copied as it is, without a data policy/,
    hint: 'refresh policy suggest writes a first policy that masks it',
  },
  {
    begins: /^and \d+ more columns that look like personal data/,
    hint: 'refresh policy check lists all of them',
  },
  {
    begins: /^left out: /,
    hint: 'nothing to do, unless staging needs it: then an administrator makes it there by hand after each refresh, or a before-publish SQL file does',
  },
  {
    begins: /^only the staging before this one has/,
    hint: 'made by hand, by a migration, or gone from production: what shall stay belongs into production or a before-publish SQL file; after a swap, refresh rollback has it back while the earlier database is kept',
  },
  { begins: /^removed .* left by a run that did not end/, hint: 'nothing to do: it is removed' },
  {
    begins: /^DigitalOcean has no backup/,
    hint: 'a new cluster gets its first backup within a day; refresh backups lists them',
  },
  {
    begins: /^staging’s disk may get full/,
    hint: 'add storage to staging’s cluster, or keep no previous database: --keep-previous 0',
  },
  { begins: /^skipped: /, hint: 'refresh doctor tells what is missing, and the command or click for it' },
  {
    begins: /^setting /,
    hint: 'ALTER DATABASE … SET it on staging as its administrator, if staging needs it: staging’s own settings are carried over',
  },
  {
    begins: /could not be dropped/,
    hint: 'nothing to do: the next run removes it; refresh doctor names what is left',
  },
  {
    begins: /staging’s own columns are lost/,
    hint: 'production no longer has these columns: take the table out of the policy’s preserve, or migrate production first',
  },
  { begins: /trusted sources/, hint: 'refresh doctor --fix removes what dead runs have left on the lists' },
  { begins: /^nobody was notified/, hint: 'REFRESH_NOTIFY_URL: is the webhook still there?' },
];

export function hintFor(warning: string): string | undefined {
  return hints.find(({ begins }) => begins.test(warning))?.hint;
}
