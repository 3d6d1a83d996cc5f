/** Looks at the bytes of one direction of one connection before they go on. */
export interface Sieve {
  /** Forwards of this chunk, and of what it kept of earlier ones, what may pass. @returns false: the connection ends here. */
  sift(chunk: Buffer, forward: (bytes: Buffer) => void): boolean;
  /** What it keeps, for when the sender has ended: the beginning of a frame that never came to its end. */
  rest(): Buffer;
}

/** `cut`: what came before this frame is forwarded, the frame and everything after it is not, and the connection ends. */
export type Verdict = 'forward' | 'swallow' | 'cut';

/** How one direction of a protocol is made of frames, and what becomes of each. */
export interface Grammar {
  /** Bytes of the frame that begins at `at`; 0 as long as too little of it has come to judge it. */
  sizeAt(bytes: Buffer, at: number): number;
  /** Called once a frame, in order. */
  judge(bytes: Buffer, at: number, size: number): Verdict;
}

const NOTHING = Buffer.alloc(0);

/**
 * Follows a stream frame by frame, however it is cut into chunks. What it lets pass it lets pass at once: it keeps back only the first
 * bytes of a frame that cannot be judged yet, so that nothing is ever swallowed from its middle on.
 */
export class FrameSieve implements Sieve {
  /** Too little of a frame to judge it. */
  private begun: Buffer = NOTHING;
  /** Bytes to come of a frame that has been judged. */
  private left = 0;
  private swallowing = false;

  constructor(private readonly grammar: Grammar) {}

  sift(chunk: Buffer, forward: (bytes: Buffer) => void): boolean {
    const bytes = this.begun.length === 0 ? chunk : Buffer.concat([this.begun, chunk]);
    let at = Math.min(this.left, bytes.length);
    this.left -= at;
    let from = this.swallowing ? at : 0;
    while (at < bytes.length) {
      const size = this.grammar.sizeAt(bytes, at);
      if (size === 0) break;
      const verdict = this.grammar.judge(bytes, at, size);
      const end = Math.min(at + size, bytes.length);
      if (verdict !== 'forward') {
        if (at > from) forward(bytes.subarray(from, at));
        if (verdict === 'cut') return false;
        from = end;
      }
      this.swallowing = verdict === 'swallow';
      this.left = at + size - end;
      at = end;
    }
    if (at > from) forward(from === 0 && at === bytes.length ? bytes : bytes.subarray(from, at));
    this.begun = bytes.subarray(at);
    return true;
  }

  rest(): Buffer {
    return this.begun;
  }
}
