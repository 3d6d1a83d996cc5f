import { createRequire } from 'node:module';
import type { EventBus } from 'holdfast';
import type { ConfirmPublisher } from 'holdfast/broker/confirm-publisher';
import type { DeliveryChannel } from 'holdfast/broker/delivery-channel';
import type { Publication } from 'holdfast/broker/publication';
import type { HandlerTransaction } from 'holdfast/database/handler-transaction';
import type { GroupTransaction } from 'holdfast/grouping/group-transaction';
import type { InboxStore } from 'holdfast/idempotency/inbox.store';
import type { TransactionalMode } from 'holdfast/idempotency/transactional-mode';
import { passing } from './control';
import { witness } from './witness';

/*
 * Where the crash points are. The service has no code for them: this handler module wraps the methods that a message passes, in the
 * running process, before the first message. A method that is not there any more stops the boot.
 */

const inside = createRequire(require.resolve('holdfast'));

type Method = (this: unknown, ...args: never[]) => unknown;

function wrap<Class extends { prototype: object }>(
  path: string,
  name: string,
  method: string,
  around: (original: (...args: unknown[]) => unknown, args: never) => unknown,
): void {
  const { prototype } = (inside(path) as Record<string, Class>)[name] as Class;
  const methods = prototype as Record<string, Method | undefined>;
  const original = methods[method];
  if (typeof original !== 'function')
    throw new Error(`a crash point has lost its place: ${name}.${method} of ${path} does not exist any more`);
  methods[method] = function (this: unknown, ...args: never[]) {
    return around((...given) => original.apply(this, given as never[]), args as never);
  };
}

/** Which copy a token was recorded for; forgotten once it is confirmed. */
const recorded = new Map<string, 'retry' | 'dead'>();

function routeOf({ exchange }: Publication): 'retry' | 'dead' | 'outbox' {
  if (exchange.includes('.delay.')) return 'retry';
  return exchange.endsWith('.dead') ? 'dead' : 'outbox';
}

export function markPoints(): void {
  wrap<typeof TransactionalMode>(
    './idempotency/transactional-mode',
    'TransactionalMode',
    'runOnce',
    (original, [key, handle, last]: Parameters<TransactionalMode['runOnce']>) => {
      const id = key?.transactionId ?? '';
      passing('decoded', id);
      const run = async (transaction: HandlerTransaction): Promise<void> => {
        passing('claimed', id);
        await handle(transaction);
        passing('handled', id);
      };
      return original(key, run, last);
    },
  );
  wrap<typeof GroupTransaction>(
    './grouping/group-transaction',
    'GroupTransaction',
    'run',
    (original, [group, handle]: Parameters<GroupTransaction['run']>) => {
      passing('decoded', group[0]?.key?.transactionId ?? '');
      const run: typeof handle = async (claimed, transaction) => {
        const id = claimed[0]?.key?.transactionId ?? '';
        passing('claimed', id);
        const last = await handle(claimed, transaction);
        passing('handled', id);
        return last;
      };
      return original(group, run);
    },
  );
  wrap<typeof HandlerTransaction>(
    './database/handler-transaction',
    'HandlerTransaction',
    'commit',
    async (original, args: Parameters<HandlerTransaction['commit']>) => {
      passing('before-commit', '');
      const written = await original(...args);
      passing('committed', '');
      return written;
    },
  );
  wrap<typeof DeliveryChannel>(
    './broker/delivery-channel',
    'DeliveryChannel',
    'acknowledge',
    (original, [tag]: Parameters<DeliveryChannel['acknowledge']>) => {
      passing('before-ack', '');
      return original(tag);
    },
  );
  wrap<typeof InboxStore>(
    './idempotency/inbox.store',
    'InboxStore',
    'recordCopy',
    async (original, [key, copy]: Parameters<InboxStore['recordCopy']>) => {
      const mine = await original(key, copy);
      const way = copy.state === 'retrying' ? 'retry' : 'dead';
      recorded.set(copy.token, way);
      passing(`${way}-recorded`, key.transactionId);
      return mine;
    },
  );
  wrap<typeof InboxStore>(
    './idempotency/inbox.store',
    'InboxStore',
    'confirmCopy',
    async (original, [key, token]: Parameters<InboxStore['confirmCopy']>) => {
      const result = await original(key, token);
      const way = recorded.get(token);
      recorded.delete(token);
      if (way) passing(`${way}-before-ack`, key.transactionId);
      return result;
    },
  );
  wrap<typeof ConfirmPublisher>(
    './broker/confirm-publisher',
    'ConfirmPublisher',
    'send',
    async (original, args: [unknown, Publication]) => {
      const [, publication] = args;
      const way = routeOf(publication);
      const id = publication.properties.messageId ?? '';
      const confirmed = original(...args);
      // amqplib writes at the end of the turn; from then on the copy is on its way.
      setImmediate(() =>
        setImmediate(() => {
          passing(`${way}-sent`, id);
        }),
      );
      await confirmed;
      passing(`${way}-confirmed`, id);
    },
  );
}

/** Everything that happens to a message in this process, for its history. */
export function watchMessages(events: EventBus): void {
  events.on('message.received', ({ delivery }) => {
    const { properties, queue, attempt, redelivered, copyToken, headers } = delivery;
    const id = properties.messageId ?? '';
    witness(
      'received',
      id,
      queue,
      attempt,
      redelivered ? 'redelivered' : '',
      copyToken ?? '',
      JSON.stringify(headers['x-retry-count'] ?? 0),
    );
    passing('delivered', id);
  });
  events.on('message.settled', ({ delivery, outcome, acknowledged, durationMs }) => {
    const reason = 'reason' in outcome ? outcome.reason : '';
    const id = delivery.properties.messageId ?? '';
    const way = acknowledged ? 'acknowledged' : 'left';
    witness(
      'settled',
      id,
      delivery.queue,
      delivery.attempt,
      outcome.kind,
      reason,
      way,
      Math.round(durationMs),
    );
  });
}
