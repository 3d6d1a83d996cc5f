import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Semaphore, TransactionLostError } from '../database/database.module';
import { SuspectDeliveryStore } from '../idempotency/idempotency.module';
import type { Delivery } from '../message/message.module';
import { deliveryKey } from './transaction-id';

export type Admission =
  | {
      readonly kind: 'admitted';
      /** @param hasRun false: it was put off before its handler began, and its start counts for nothing. */
      readonly leave: (hasRun: boolean) => Promise<void>;
    }
  | { readonly kind: 'refused'; readonly deliveries: number };

/**
 * Finds the message that kills its process. A delivery that comes back marked redelivered is a suspect: its start is committed
 * before it runs, where a crash cannot take it back. From its second crash on it runs alone among the suspects of this process, so that
 * the killer is counted and its neighbours are not.
 */
@Injectable()
export class CrashGuard {
  private readonly owner = randomUUID();
  private readonly lane = new Semaphore(1);

  constructor(private readonly store: SuspectDeliveryStore) {}

  /**
   * @param delivery one that is marked redelivered.
   * @param limit deliveries a message may have without any being settled.
   * @param required false where the consumer needs no database: without one the message runs unguarded.
   * @throws TransactionLostError when the count cannot be committed, and must be.
   */
  async admit(delivery: Delivery, limit: number, required: boolean): Promise<Admission> {
    const key = deliveryKey(delivery);
    if (!required && !this.store.isReachable) return this.unguarded(delivery.queue, key);
    try {
      return await this.admitSuspect(delivery.queue, key, limit);
    } catch (error) {
      if (!required) return this.unguarded(delivery.queue, key);
      throw new TransactionLostError(`the delivery could not be counted: ${String(error)}`, { cause: error });
    }
  }

  /** Not counted; but when it has not killed this process either, what another one has counted of it is over. */
  private unguarded(consumer: string, key: string): Admission {
    return { kind: 'admitted', leave: () => this.store.forget(consumer, key, undefined) };
  }

  private async admitSuspect(consumer: string, key: string, limit: number): Promise<Admission> {
    const prior = await this.store.priorStarts(consumer, key, this.owner);
    const leaveLane = prior > 0 || limit <= 2 ? await this.lane.acquire() : () => undefined;
    try {
      const deliveries = 1 + (await this.store.start(consumer, key, this.owner));
      const leave = async (hasRun: boolean): Promise<void> => {
        leaveLane();
        if (hasRun || prior === 0) await this.store.forget(consumer, key, this.owner);
        else await this.store.takeBack(consumer, key, this.owner);
      };
      if (deliveries <= limit) return { kind: 'admitted', leave };
      await leave(true);
      return { kind: 'refused', deliveries: deliveries - 1 };
    } catch (error) {
      leaveLane();
      throw error;
    }
  }
}
