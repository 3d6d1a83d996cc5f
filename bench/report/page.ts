const BEGIN = '<!-- bench: begin -->';
const END = '<!-- bench: end -->';

/** The page with this between its two marks. @throws Error when it has none. */
export function withResults(page: string, markdown: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`the page has no "${BEGIN}" … "${END}" to write into`);
  const between = `${BEGIN}\n<!-- prettier-ignore-start -->\n\n${markdown}\n\n<!-- prettier-ignore-end -->\n${END}`;
  return page.slice(0, begin) + between + page.slice(end + END.length);
}
