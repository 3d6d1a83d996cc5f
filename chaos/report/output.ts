/** Shown while a run is under way. */
export interface Progress {
  /** Shows what the journal says now; to be called about every second. */
  tick(): void;
  /** A line that stays. */
  tell(line: string): void;
  /** Shows everything once more and leaves the last picture standing. */
  end(): void;
}

/** Where it is shown; process.stdout is one. */
export interface Output {
  write(text: string): unknown;
  readonly columns?: number;
  readonly rows?: number;
}
