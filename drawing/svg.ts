/* As much of SVG as the plot needs. What comes from outside enters through `element` and `text`, and is escaped there. */

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Children are markup already: of `element` or `text`. Numbers are rounded to tenths; undefined attributes are left out. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : ` ${key}="${escape(typeof value === 'number' ? rounded(value) : value)}"`,
  );
  const open = `<${name}${written.join('')}`;
  return children.length === 0 ? `${open}/>` : `${open}>${children.join('')}</${name}>`;
}

export function text(content: string): string {
  return escape(content);
}

function rounded(number: number): string {
  return String(Math.round(number * 10) / 10);
}

function escape(content: string): string {
  return (
    content
      .toWellFormed()
      // Characters that XML 1.0 does not know, not even as references.
      .replaceAll(/[^\t\n\r\u{20}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\u{fffd}')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;')
  );
}
