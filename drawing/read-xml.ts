/* As much of an XML parser as the specs of the plot need: strict, so that it refuses what a viewer would. */

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Its own, without that of its children. */
  readonly text: string;
}

const OPEN = /<([A-Za-z][\w-]*)((?:\s+[A-Za-z][\w:-]*="[^"<]*")*)\s*(\/?)>/y;
const CLOSE = /<\/([A-Za-z][\w-]*)>/y;
const TEXT = /[^<]+/y;
const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};

/** @throws Error saying where it is not well-formed. */
export function readXml(xml: string): XmlElement {
  const illegal = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u.exec(xml);
  if (illegal) throw new Error(`there is no character ${JSON.stringify(illegal[0])} in XML`);
  const root = { name: '', attributes: {}, children: [] as XmlElement[], text: '' };
  const open = [root];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(xml);
    at += match?.[0].length ?? 0;
    return match;
  };
  while (at < xml.length) {
    const current = open.at(-1) ?? root;
    const begin = take(OPEN);
    if (begin) {
      const [, name = '', attributes = '', isEmpty] = begin;
      const element = { name, attributes: readAttributes(attributes), children: [], text: '' };
      current.children.push(element);
      if (isEmpty === '') open.push(element);
      continue;
    }
    const end = take(CLOSE);
    if (end) {
      if (open.length === 1 || end[1] !== current.name)
        throw new Error(`</${end[1] ?? ''}> closes <${current.name}>`);
      open.pop();
      continue;
    }
    const text = take(TEXT);
    if (!text) throw new Error(`no markup: ${xml.slice(at, at + 60)}`);
    current.text += decode(text[0]);
  }
  if (open.length > 1) throw new Error(`<${open.at(-1)?.name ?? ''}> is not closed`);
  const [element] = root.children;
  if (!element || root.children.length > 1 || root.text.trim() !== '') throw new Error('not one root');
  return element;
}

/** The element itself and everything in it with this name. */
export function findAll(element: XmlElement, name: string): XmlElement[] {
  const inside = element.children.flatMap((child) => findAll(child, name));
  return element.name === name ? [element, ...inside] : inside;
}

function readAttributes(written: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, key = '', value = ''] of written.matchAll(/([\w:-]+)="([^"]*)"/g)) {
    if (Object.hasOwn(attributes, key)) throw new Error(`${key} stands twice`);
    attributes[key] = decode(value);
  }
  return attributes;
}

function decode(text: string): string {
  if (text.includes(']]>')) throw new Error(']]> stands in a text');
  return text.replaceAll(/&[^;]*;?/g, (entity) => {
    const character = ENTITIES[entity];
    if (character === undefined) throw new Error(`${entity} is no entity`);
    return character;
  });
}
