import type { ConsumerState, Drift, HoldfastEvents } from '../../message/message.module';
import { errorFields } from './error-fields';
import { cutText } from './safe-text';
import { maskUrl } from './secrets';
import type { LogLevel, LogLine } from './settled-line';

const MAX_REASON_BYTES = 1024;

export type ChangeEvent =
  | 'connection.changed'
  | 'dependency.changed'
  | 'consumer.changed'
  | 'topology.drifted'
  | 'policies.checked'
  | 'publication.failed'
  | 'retention.swept';

/** The events that are worth a line, and the words for them: what is, why, what mends it. */
export type ChangeLines = { readonly [Name in ChangeEvent]: (event: HoldfastEvents[Name]) => LogLine };

export const CHANGE_LINES: ChangeLines = {
  'connection.changed': ({ connection, state, reason }) => {
    const fields = { connection, state, reason: readable(reason) };
    switch (state) {
      case 'connected':
        return { level: 'log', fields, text: `the ${connection} connection to RabbitMQ is open` };
      case 'disconnected':
        return {
          level: 'warn',
          fields,
          text:
            `there is no ${connection} connection to RabbitMQ${because(reason)}. Messages stay with the broker and it is ` +
            'tried again for as long as it takes. If it stays away: does the server run, and is RABBITMQ_URL right?',
        };
      case 'blocked':
        return {
          level: 'warn',
          fields,
          text:
            `RabbitMQ takes nothing on the ${connection} connection${because(reason)}. What has to be published waits. ` +
            'Give the broker memory or disk back; `rabbitmq-diagnostics alarms` says which.',
        };
    }
  },

  'dependency.changed': ({ dependency, available, reason }) => {
    const fields = { dependency, available, reason: readable(reason) };
    if (available) return { level: 'log', fields, text: DEPENDENCY_THERE[dependency] };
    return {
      level: 'warn',
      fields,
      text: `${DEPENDENCY_AWAY[dependency]}${because(reason)}. ${DEPENDENCY_MEND[dependency]}`,
    };
  },

  'consumer.changed': ({ queue, state, reason }) => ({
    level: CONSUMER_LEVEL[state],
    fields: { queue, state, reason: readable(reason) },
    text: `the consumer of ${queue} ${CONSUMER_WORDS[state]}${because(reason)}`,
  }),

  'topology.drifted': ({ queue, drift }) => ({
    level: drift.every((difference) => difference.tolerated) ? 'warn' : 'error',
    fields: { queue, drift: drift.slice(0, 20) },
    text: `${queue} is not as declared: ${drift.slice(0, 5).map(driftWords).join('; ')}`,
  }),

  'policies.checked': ({ state, reason }) => ({
    level: state === 'unreadable' ? 'warn' : 'log',
    fields: { state, reason: readable(reason) },
    text:
      state === 'read'
        ? 'the policies of RabbitMQ are read and judged every minute'
        : `whether a policy of RabbitMQ drops, expires or reroutes messages cannot be checked${because(reason)}. ${POLICY_MEND}`,
  }),

  'publication.failed': ({ exchange, routingKey, error }) => ({
    level: 'error',
    fields: { exchange, routingKey, error: errorFields(error) },
    text: `a message to exchange "${exchange}" with routing key "${routingKey}" could not be published`,
  }),

  'retention.swept': ({ table, rows }) => ({
    level: 'debug',
    fields: { table, rows },
    text: `${String(rows)} rows of ${table} were past their retention and are gone`,
  }),
};

const DEPENDENCY_THERE = {
  database: 'Postgres answers; the consumers that need it go on',
  publisher: 'copies of failed messages can be published; failed messages go on',
} as const;

const DEPENDENCY_AWAY = {
  database: 'Postgres does not answer',
  publisher: 'copies of failed messages cannot be published',
} as const;

const DEPENDENCY_MEND = {
  database:
    'The consumers that need it wait; their messages stay with the broker and no attempt is spent. If it stays away: does the server run, and is DATABASE_URL right?',
  publisher:
    'Failed messages stay with the broker and no attempt is spent. If it stays so: has the broker an alarm, or is the permission to write missing?',
} as const;

const CONSUMER_LEVEL: Readonly<Record<ConsumerState, LogLevel>> = {
  starting: 'debug',
  running: 'log',
  paused: 'log',
  waiting: 'warn',
  drifted: 'error',
  stopped: 'log',
};

const CONSUMER_WORDS: Readonly<Record<ConsumerState, string>> = {
  starting: 'is starting',
  running: 'is running',
  paused: 'is paused until an operator resumes it',
  waiting: 'waits until what it needs is back',
  drifted: 'does not consume: its queue is not as declared',
  stopped: 'has stopped',
};

const POLICY_MEND =
  'Let HOLDFAST_MANAGEMENT_URL name the management API and a user of it that has the tag "management"';

function driftWords({ argument, declared, existing, mend }: Drift): string {
  return `${argument} is ${existing}, declared ${declared}. ${mend}`;
}

function because(reason: string | undefined): string {
  const text = readable(reason);
  return text === undefined || text === '' ? '' : `: ${text}`;
}

function readable(reason: string | undefined): string | undefined {
  return reason === undefined ? undefined : cutText(maskUrl(reason), MAX_REASON_BYTES);
}
