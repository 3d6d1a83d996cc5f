import type { Finding, HoldfastEvents } from '../../message/message.module';
import { cutText } from './safe-text';
import type { LogLine } from './settled-line';

const MOST_OBJECTS = 10;
const MAX_NAME_BYTES = 255;

/** A policy that matches everything does the same to many queues: one line for what it does, with their names. */
export function findingLines({ opened, closed }: HoldfastEvents['findings.changed']): LogLine[] {
  return [
    ...alike(opened).map((group) => line('warn', group, ({ effect, mend }) => `${effect}. Mend: ${mend}`)),
    ...alike(closed).map((group) => line('log', group, ({ effect }) => `no longer: ${effect}`)),
  ];
}

function alike(findings: readonly Finding[]): [Finding, ...Finding[]][] {
  const groups = new Map<string, [Finding, ...Finding[]]>();
  for (const finding of findings) {
    const key = JSON.stringify({ ...finding, object: '' });
    const group = groups.get(key);
    if (group) group.push(finding);
    else groups.set(key, [finding]);
  }
  return [...groups.values()];
}

function line(
  level: LogLine['level'],
  group: [Finding, ...Finding[]],
  sentence: (finding: Finding) => string,
): LogLine {
  const [first] = group;
  const { kind, policy, key, value } = first;
  const names = group.slice(0, MOST_OBJECTS).map(({ object }) => cutText(object, MAX_NAME_BYTES));
  const more = group.length > MOST_OBJECTS ? ` and ${group.length - MOST_OBJECTS} more` : '';
  const cause = policy === null ? '' : `policy "${policy}" (${key ?? ''} ${String(value)}): `;
  return {
    level,
    fields: { finding: kind, policy, key, value, objects: names, count: group.length },
    text: `${names.join(', ')}${more}: ${cause}${sentence(first)}`,
  };
}
