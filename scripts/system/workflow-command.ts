/**
 * What a step says to GitHub's runner on its output ("Workflow commands for GitHub Actions"): one line, in which the
 * runner's own marks are escaped.
 */
export function workflowCommand(
  name: 'add-mask' | 'error' | 'notice' | 'warning',
  text: string,
  properties: { readonly title?: string; readonly file?: string; readonly line?: string } = {},
): string {
  const said = Object.entries(properties).map(([key, value]) => `${key}=${escapeProperty(value)}`);
  return `::${name}${said.length > 0 ? ' ' : ''}${said.join()}::${escapeData(text)}`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
