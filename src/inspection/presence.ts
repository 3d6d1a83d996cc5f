import type { BrokerConnection } from '../broker/broker.module';
import type { Finding } from '../message/message.module';
import type { ExchangeRole, QueueRole } from './inspected';

export type Placed =
  | { readonly kind: 'queue'; readonly name: string; readonly role: QueueRole }
  | { readonly kind: 'exchange'; readonly name: string; readonly role: ExchangeRole };

const LOST_WITH: Readonly<Record<QueueRole, string>> = {
  work: 'what was in it',
  'dead-letters': 'the dead letters that were in it',
  delay: 'the failed messages that waited in it for their next try',
  unroutable: 'the copies that were in it',
};

const WITHOUT: Readonly<Record<ExchangeRole, string>> = {
  'dead-letters': 'what the broker gives up on is lost, or stays where it is',
  due: 'failed messages do not come back when their delay is over',
  delay: 'the next copy for it finds no way',
  unroutable: 'copies that miss their queue stay in their delay tier',
  application: 'what is published to it does not arrive',
};

/**
 * Which of them are gone, by passive declarations: nothing is made or changed. One channel serves for all, and another after
 * each one that is missing, because that closes it.
 */
export async function findMissing(
  connection: BrokerConnection,
  placed: readonly Placed[],
): Promise<readonly Placed[]> {
  const missing: Placed[] = [];
  let left = [...placed];
  while (left.length > 0 && connection.status === 'connected') {
    let asked = 0;
    try {
      await connection.withChannel(async (channel) => {
        for (const { kind, name } of left) {
          asked++;
          await (kind === 'queue' ? channel.checkQueue(name) : channel.checkExchange(name));
        }
      });
      left = [];
    } catch (error) {
      const refused = asked === 0 ? undefined : left[asked - 1];
      if (refused && isMissing(error)) missing.push(refused);
      // No channel at all: the connection is going, which tells of itself.
      left = asked === 0 ? [] : left.slice(asked);
    }
  }
  return missing;
}

export function missingFinding(placed: Placed): Finding {
  const { kind, name } = placed;
  const effect =
    placed.kind === 'queue'
      ? `the queue is gone, and with it ${LOST_WITH[placed.role]}`
      : `the exchange is gone: ${WITHOUT[placed.role]}`;
  const mend = 'Holdfast declares again what is its own; find out who deletes it';
  return { object: name, kind: 'missing', policy: null, key: kind, value: null, effect, mend };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 404;
}
