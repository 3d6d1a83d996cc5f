import { Injectable } from '@nestjs/common';
import {
  Discard,
  EventBus,
  PermanentError,
  ReliableBatchConsumer,
  ReliableConsumer,
  type BatchContext,
  type BatchResult,
  type MessageContext,
} from 'holdfast';
import { z } from 'zod';
import { EVENTS, FLAKY_DELAYS, queueOf, type BatchFate } from '../load/kinds';
import { takeOrders } from './control';
import { columnsOf, INSERT_EFFECT, INSERT_EFFECTS, PlainEffects } from './effects';
import { markPoints, watchMessages } from './joints';
import { lastWords, witness } from './witness';

/* The handlers of the chaos run, loaded by the real service as any user's are. */

const replica = process.env['CHAOS_REPLICA'] ?? 'replica';
const PACE = { concurrency: 10, prefetch: 40 };

markPoints();

interface Numbered {
  readonly number: number;
}

type BatchMessage = Numbered & { readonly fate: BatchFate };

const Checked = z.object({ number: z.number(), discard: z.boolean() });

@Injectable()
export class ChaosHandlers {
  private readonly plain = new PlainEffects(process.env['CHAOS_DATABASE_URL'] ?? '');

  constructor(events: EventBus) {
    watchMessages(events);
    takeOrders();
  }

  /** Half by the light way, half by TypeORM. */
  @ReliableConsumer({ queue: queueOf('transactional'), ...PACE })
  async onTransactional({ number }: Numbered, context: MessageContext): Promise<void> {
    if (number % 2 === 0) await effect(context);
    else await context.tx.query(INSERT_EFFECT, effectOf(context));
  }

  /** Many in one transaction. Some fail once, with their effect written: their neighbours must not be counted among them. */
  @ReliableConsumer({
    queue: queueOf('shared'),
    commit: 'shared',
    groupSize: 20,
    concurrency: 40,
    prefetch: 80,
    retry: { delays: ['1s'] },
  })
  async onShared({ fails }: Numbered & { fails: boolean }, context: MessageContext): Promise<void> {
    await effect(context);
    if (fails && context.attempt === 1) throw new Error('once');
  }

  /** Some refuse themselves and some spoil their batch, always: the others must not be counted among them. */
  @ReliableBatchConsumer({
    queue: queueOf('batch'),
    batchSize: 20,
    concurrency: 40,
    prefetch: 80,
    retry: { delays: ['1s'] },
  })
  async onBatch(messages: BatchMessage[], { messages: contexts, sql }: BatchContext): Promise<BatchResult> {
    const refused = messages.map(({ fate }) =>
      fate === 'refused' ? new PermanentError('it says so') : undefined,
    );
    const rows = contexts.filter((_, i) => !refused[i]).map(effectOf);
    if (rows.length > 0) await sql.query(INSERT_EFFECTS, columnsOf(rows));
    if (messages.some(({ fate }) => fate === 'poison')) throw new Error('one of them is poison');
    return refused;
  }

  /** Its effect is outside the transaction, so it may come twice; completion may not. */
  @ReliableConsumer({ queue: queueOf('lease'), idempotency: 'lease', timeout: '15m', ...PACE })
  async onLease(_: Numbered, context: MessageContext): Promise<void> {
    await this.plain.write(...effectOf(context));
  }

  @ReliableConsumer({ queue: queueOf('twins'), ...PACE })
  async onTwin(_: Numbered, context: MessageContext): Promise<void> {
    await effect(context);
  }

  @ReliableConsumer({ queue: queueOf('plain'), idempotency: 'off', timeout: '15m', ...PACE })
  async onPlain(_: Numbered, context: MessageContext): Promise<void> {
    await this.plain.write(...effectOf(context));
  }

  /** Fails as often as the message says, and writes its effect each time before: a failed try must leave nothing behind. */
  @ReliableConsumer({ queue: queueOf('flaky'), retry: { delays: FLAKY_DELAYS }, ...PACE })
  async onFlaky({ fails }: Numbered & { fails: number }, context: MessageContext): Promise<void> {
    await effect(context);
    if (context.attempt > fails) return;
    witness('failing', context.id, context.queue, context.attempt);
    throw new Error(`try ${context.attempt} of a message that fails ${fails} times`);
  }

  @ReliableConsumer({ queue: queueOf('checked'), schema: Checked, ...PACE })
  async onChecked({ discard }: z.infer<typeof Checked>, context: MessageContext): Promise<void> {
    await effect(context);
    if (discard) throw new Discard('it says so itself');
  }

  @ReliableConsumer({ queue: queueOf('fan.a'), bindings: fanOut(), ...PACE })
  async onFanA(_: Numbered, context: MessageContext): Promise<void> {
    await effect(context);
  }

  @ReliableConsumer({ queue: queueOf('fan.b'), bindings: fanOut(), ...PACE })
  async onFanB(_: Numbered, context: MessageContext): Promise<void> {
    await effect(context);
  }

  @ReliableConsumer({ queue: queueOf('fan.c'), bindings: fanOut(), ...PACE })
  async onFanC(_: Numbered, context: MessageContext): Promise<void> {
    await effect(context);
  }

  /** What it publishes leaves with its transaction, by the outbox. */
  @ReliableConsumer({ queue: queueOf('chain'), ...PACE })
  async onChain(body: Numbered, context: MessageContext): Promise<void> {
    await effect(context);
    await context.publish('', queueOf('chain.end'), body, { messageId: context.id });
  }

  @ReliableConsumer({ queue: queueOf('chain.end'), ...PACE })
  async onChainEnd(_: Numbered, context: MessageContext): Promise<void> {
    await effect(context);
  }

  /** Some kill the process they run in; their neighbours must not be counted among them. */
  @ReliableConsumer({ queue: queueOf('killer'), deliveryLimit: 3, ...PACE })
  async onKiller({ kills }: Numbered & { kills: boolean }, context: MessageContext): Promise<void> {
    await effect(context);
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (!kills) return;
    lastWords('died', context.id, context.queue, 'poison');
    process.kill(process.pid, 'SIGKILL');
    await new Promise(() => undefined);
  }

  @ReliableConsumer({ queue: queueOf('doomed'), ...PACE })
  async onDoomed(_: Numbered, context: MessageContext): Promise<void> {
    await effect(context);
  }

  @ReliableConsumer({ queue: queueOf('policed'), ...PACE })
  async onPoliced(_: Numbered, context: MessageContext): Promise<void> {
    await effect(context);
  }
}

function fanOut(): { exchange: string; routingKey: string }[] {
  return [{ exchange: EVENTS, routingKey: 'fan.#' }];
}

function effectOf(context: MessageContext): [string, string, number, string] {
  return [context.queue, context.id, context.attempt, replica];
}

async function effect(context: MessageContext): Promise<void> {
  await context.sql.query(INSERT_EFFECT, effectOf(context));
}
