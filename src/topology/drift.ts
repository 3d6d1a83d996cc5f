import type { Drift } from '../message/message.module';

/** One inequality, as RabbitMQ words it in the text of a 406 PRECONDITION_FAILED. */
export interface Inequality {
  readonly argument: string;
  readonly existing: string | number | boolean | undefined;
}

const TEXT =
  /inequivalent arg '([^']+)' for (?:queue|exchange) .*?: received (.*?) but current is (.*?)(?:"|$)/s;

/** Arguments that only add a safety net: a queue without them is worth a warning, not a standstill. */
const SAFETY_NET = new Set([
  'x-dead-letter-exchange',
  'x-dead-letter-routing-key',
  'x-dead-letter-strategy',
  'x-overflow',
  'x-delivery-limit',
]);

/** What a queue is that was declared without a type, in a virtual host without a default of its own. */
const UNNAMED_TYPE = 'classic';

/** @returns undefined when the text is not about a different argument. */
export function readInequality(text: string): Inequality | undefined {
  const match = TEXT.exec(text);
  if (!match?.[1] || match[3] === undefined) return undefined;
  return { argument: match[1], existing: readValue(match[3]) };
}

/** `the value '60000' of type 'long'`, `none`, `the value 'quorum' of type 'longstr'`, `'true'`. */
function readValue(text: string): string | number | boolean | undefined {
  if (text.trim().startsWith('none')) return undefined;
  const value = /'([^']*)'/.exec(text)?.[1] ?? text.trim();
  const type = /of type '([^']+)'/.exec(text)?.[1];
  if (type === undefined && (value === 'true' || value === 'false')) return value === 'true';
  return type !== undefined &&
    type !== 'longstr' &&
    type !== 'bool' &&
    value !== '' &&
    Number.isFinite(Number(value))
    ? Number(value)
    : value;
}

export function describeDrift(
  queue: string,
  declared: string | number | boolean | undefined,
  { argument, existing }: Inequality,
): Drift {
  const tolerated = SAFETY_NET.has(argument);
  return {
    queue,
    argument,
    declared: show(declared),
    existing: show(existing ?? (argument === 'x-queue-type' ? UNNAMED_TYPE : undefined)),
    tolerated,
    mend: tolerated
      ? `set it by a policy on "${queue}", or delete and re-declare the queue once it is empty`
      : `let the code agree with the queue (queueType, or declare: false to take it as it is), or move its messages away, delete "${queue}" and let Holdfast declare it again`,
  };
}

function show(value: string | number | boolean | undefined): string {
  return value === undefined ? '(not set)' : String(value);
}
