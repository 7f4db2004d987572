/**
 * What a step says to GitHub's runner on its output ("Workflow commands for GitHub Actions"): one line, in which the
 * runner's own marks are escaped.
 */
export function workflowCommand(
  name: 'add-mask' | 'error' | 'notice' | 'warning',
  text: string,
  title?: string,
): string {
  const properties = title === undefined ? '' : ` title=${escapeProperty(title)}`;
  return `::${name}${properties}::${escapeData(text)}`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
