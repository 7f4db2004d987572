/**
 * The import directions of the house (docs/architecture.md has the map):
 *   index.ts → components → scripts/contract
 *   scripts/{refresh,workflow-engine}.ts → {program, commands} → stages → {postgres, policy, artifact, digitalocean, github} → {system, model}
 */
const services = '^scripts/(postgres|policy|artifact|digitalocean|github)/';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'model-imports-nothing-of-ours',
      comment: 'model holds values that everybody may know; it knows nobody',
      severity: 'error',
      from: { path: '^scripts/model/' },
      to: { path: '^(components|scripts|tests|index)', pathNot: '^scripts/(model/|contract\\.ts$)' },
    },
    {
      name: 'contract-imports-nothing',
      severity: 'error',
      from: { path: '^scripts/contract\\.ts$' },
      to: { path: '^(components|scripts|tests|index)' },
    },
    {
      name: 'system-knows-only-the-model',
      severity: 'error',
      from: { path: '^scripts/system/' },
      to: { path: '^(components|scripts|tests|index)', pathNot: '^scripts/(system/|model/|contract\\.ts$)' },
    },
    {
      name: 'services-know-system-and-model',
      comment:
        'postgres, policy, artifact, digitalocean and github sit beside each other and never import a stage',
      severity: 'error',
      from: { path: services },
      to: {
        path: '^(components|scripts|tests|index)',
        pathNot: '^scripts/(postgres/|policy/|artifact/|digitalocean/|github/|system/|model/|contract\\.ts$)',
      },
    },
    {
      name: 'stages-never-import-each-other',
      comment: 'what passes between stages is a readonly type in model/',
      severity: 'error',
      from: { path: '^scripts/stages/([^/]+?)(\\.ts|/)' },
      to: { path: '^scripts/stages/', pathNot: '^scripts/stages/$1(\\.ts$|/)' },
    },
    {
      name: 'stages-import-down',
      severity: 'error',
      from: { path: '^scripts/stages/' },
      to: {
        path: '^(components/|tests/|index\\.ts|scripts/(refresh\\.ts|workflow-engine\\.ts|program\\.ts|commands/|local/|bench/))',
      },
    },
    {
      name: 'components-know-the-contract-only',
      severity: 'error',
      from: { path: '^(components/|index\\.ts$)' },
      to: { path: '^scripts/', pathNot: '^scripts/(contract|fingerprint|bundle)\\.ts$|^scripts/model/' },
    },
    {
      name: 'nobody-imports-the-entry',
      severity: 'error',
      from: { pathNot: '^scripts/launcher\\.js$' },
      to: { path: '^(index|scripts/(refresh|workflow-engine))\\.ts$' },
    },
    {
      name: 'local-and-bench-are-leaves',
      severity: 'error',
      from: { path: '^(components/|index\\.ts$|scripts/(?!local/|bench/))' },
      to: { path: '^scripts/(local|bench)/' },
    },
    {
      name: 'no-test-code-in-the-product',
      severity: 'error',
      from: { pathNot: '^tests/' },
      to: { path: '^tests/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
