import type { Publication } from '../broker/broker.module';
import type { LastStatement } from '../idempotency/idempotency.module';
import { outboxWrite, type OutboxRow, type OutboxWrite } from '../outbox/outbox.module';

/** Takes what was written with a commit that began at `madeAt`. */
export type Relay = (rows: readonly OutboxRow[], madeAt: number) => void;

export interface Publishing {
  /** What the handler has published so far, in its order. */
  readonly published: readonly Publication[];
}

/** What the messages of a transaction have published is written with the commit, and leaves after it. */
export function leavingWith(messages: readonly Publishing[], relay: Relay): LastStatement {
  let written: OutboxWrite | undefined;
  return {
    write: () => (written = outboxWrite(messages.map(({ published }) => published)))?.statement,
    committed: (result) => {
      if (!written) return;
      for (const rows of written.read(result)) relay(rows, written.madeAt);
    },
  };
}
