import type { HoldfastEvents, OutcomeKind } from '../../message/message.module';
import { errorFields } from './error-fields';
import { cutText } from './safe-text';

export type LogLevel = 'debug' | 'log' | 'warn' | 'error';

/** One line of the log before it is written: fields for machines, a sentence for people. */
export interface LogLine {
  readonly level: LogLevel;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Which settled messages get a line. */
export type MessageLines = 'all' | 'failures' | 'none';

const MAX_NAME_BYTES = 512;

/**
 * A release is not the message's failure but a dependency's, whose change has one line of its own: thousands of
 * messages given back must not be thousands of lines.
 */
const LEVEL: Readonly<Record<OutcomeKind, LogLevel>> = {
  completed: 'log',
  duplicate: 'log',
  discard: 'log',
  // A delay is walked in hops, and a busy twin is waited for: neither is news.
  defer: 'debug',
  retry: 'warn',
  'dead-letter': 'error',
  release: 'debug',
};

/** The line of one settled message; undefined when none is wanted. */
export function settledLine(
  event: HoldfastEvents['message.settled'],
  wanted: MessageLines,
): LogLine | undefined {
  const { delivery, outcome } = event;
  const level = LEVEL[outcome.kind];
  if (wanted === 'none' || (wanted === 'failures' && level !== 'warn' && level !== 'error')) return undefined;
  const fields: Record<string, unknown> = {
    transactionId: cutOptional(event.transactionId),
    queue: delivery.queue,
    attempt: delivery.attempt,
    outcome: outcome.kind,
    durationMs: Math.round(event.durationMs * 10) / 10,
    traceId: event.traceId,
    handler: event.handler,
  };
  if ('reason' in outcome) fields['reason'] = cutText(outcome.reason, MAX_NAME_BYTES);
  if ('delayMs' in outcome) fields['delayMs'] = outcome.delayMs;
  if (delivery.replay !== undefined) fields['replay'] = cutText(delivery.replay, MAX_NAME_BYTES);
  if ('error' in outcome && outcome.error !== undefined) {
    // A stack for each failed try would cost half the throughput of a bad hour; the last one has it.
    fields['error'] = errorFields(outcome.error, outcome.kind === 'dead-letter');
  }
  if (!event.acknowledged && outcome.kind !== 'release') fields['acknowledged'] = false;
  return { level, fields, text: sentence(event) };
}

function sentence({ delivery, outcome, acknowledged }: HoldfastEvents['message.settled']): string {
  const end =
    acknowledged || outcome.kind === 'release' ? '' : '; the channel was gone, the broker delivers it again';
  return words(outcome, delivery.queue) + end;
}

function words(outcome: HoldfastEvents['message.settled']['outcome'], queue: string): string {
  switch (outcome.kind) {
    case 'completed':
      return `${queue}: completed`;
    case 'duplicate':
      return `${queue}: duplicate, already handled`;
    case 'discard':
      return `${queue}: discarded`;
    case 'defer':
      return `${queue}: deferred for ${String(outcome.delayMs)} ms, no attempt spent`;
    case 'retry':
      return `${queue}: failed, next try in ${String(outcome.delayMs)} ms`;
    case 'dead-letter':
      return `${queue}: dead letter, ${outcome.reason}`;
    case 'release':
      return `${queue}: given back to the broker, no attempt spent`;
  }
}

function cutOptional(text: string | undefined): string | undefined {
  return text === undefined ? undefined : cutText(text, MAX_NAME_BYTES);
}
