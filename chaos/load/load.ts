/** The producers, as the nemesis sees them. */
export interface Load {
  /** Stops publishing messages of this kind until resumed; resolves when none of it is under way any more. */
  holdBack(kind: string): Promise<void>;
  resume(kind: string): void;
  /** Publishes messages of a kind that is only published on demand (`killer`). Resolves when the broker has confirmed them. */
  publish(kind: string, count: number): Promise<void>;
  /** Lets the backlog grow up to this many messages; undefined returns to the usual bound. */
  allowBacklog(messages: number | undefined): void;
}
