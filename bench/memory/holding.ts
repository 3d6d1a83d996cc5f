/** A consumer whose handlers never end, so that messages stay in flight. */
export interface HoldingConsumer {
  start(run: HoldingRun): Promise<void>;
}

export interface HoldingRun {
  readonly amqpUrl: string;
  readonly databaseUrl: string;
  /** A handler has a message, and keeps it. */
  holds(order: unknown): void;
}

/** So many at once. */
export const IN_FLIGHT = 5_000;

const waiting: (() => void)[] = [];

/** What a handler that never ends waits for. Somebody could still end it: otherwise it were garbage, and its message with it. */
export function waitForever(): Promise<void> {
  return new Promise((resolve) => waiting.push(resolve));
}
