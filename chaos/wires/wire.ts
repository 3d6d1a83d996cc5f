/** Which way bytes go. */
export type Direction = 'to-server' | 'to-client';

/** Ends what was begun; harmless when called twice. */
export type Undo = () => void;

/**
 * The cable between one replica and one server: a TCP proxy of its own, so that one replica can lose its database while the others keep
 * theirs. Every trouble ends with its `Undo`; `mend` ends all of them.
 */
export interface Wire {
  /** The server's address by way of this wire; what the replica is given. */
  readonly url: string;
  /** Connections open through it now. */
  readonly connections: number;
  /** Ends every connection, or a share of them, as a reset that both sides notice. @returns how many. */
  cut(share?: number): number;
  /** New connections are refused, and the open ones are cut: the server has no address any more. */
  refuse(): Undo;
  /** Half open: bytes one way are swallowed in silence. The undo cuts these connections: what was swallowed is gone. */
  mute(direction: Direction): Undo;
  /** Both ways stall; the undo lets everything go on its way, late. */
  hold(): Undo;
  /** Everything comes later by this many milliseconds each way, in order. */
  delay(ms: number): Undo;
  /** The reader is slow: at most this many bytes a second that way, with back-pressure on the sender. */
  throttle(direction: Direction, bytesPerSecond: number): Undo;
  mend(): void;
  close(): Promise<void>;
}

export interface PostgresWire extends Wire {
  /** The next COMMITs reach the server, and the connection is cut before the answer comes back. Resolves with how many it hit. */
  loseCommitAnswers(count: number, withinMs: number): Promise<number>;
  /** The connection is cut with the next COMMITs on it, which never reach the server. Resolves with how many it hit. */
  loseCommits(count: number, withinMs: number): Promise<number>;
}

export interface AmqpWire extends Wire {
  /** The broker's confirms (`basic.ack`, `basic.nack` to a publisher) are swallowed; everything else goes through. */
  swallowConfirms(): Undo;
}
