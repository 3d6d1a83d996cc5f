/** A label without the marks of code that Markdown has. */
export function plainWords(label: string): string {
  return label.replaceAll('`', '');
}
