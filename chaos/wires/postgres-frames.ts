import { FrameSieve, type Grammar, type Sieve, type Verdict } from './sieve';

/** What the wire wants done with the next COMMIT of any of its connections. */
export interface CommitFates {
  /** Asked once for each COMMIT. @returns undefined: nothing is to happen to it. */
  next(): CommitFate | undefined;
}

export interface CommitFate {
  /** `unsent`: it never reaches the server. `unanswered`: it does, and the answer is lost. */
  readonly kind: 'unsent' | 'unanswered';
  /** It is about to happen, as the last thing on this connection. @returns false: not any more, let it pass. */
  claim(): boolean;
}

/** Type and size. */
const HEADER = 5;
/** The first message of a client has no type: size and version. */
const INTRODUCTION = 8;
/** Nothing longer is a COMMIT: `commit` with its header, a NUL, and some room for spaces and a semicolon. */
const LONGEST_COMMIT = 24;
/** Codes where a version would stand, in the first message of a client. */
const SSL_REQUEST = 80_877_103;
const GSSENC_REQUEST = 80_877_104;
/** Before a client is greeted the server says `ready for query` once, unasked. */
const UNASKED = 1;

const QUERY = letter('Q');
const SYNC = letter('S');
const FUNCTION_CALL = letter('F');
const COMMAND_COMPLETE = letter('C');
const ERROR_RESPONSE = letter('E');
const READY_FOR_QUERY = letter('Z');

/** The sieves of one connection; they share what they know of it. */
export function postgresSieves(fates: CommitFates): { 'to-server': Sieve; 'to-client': Sieve } {
  const conversation = new Conversation();
  return {
    'to-server': new FrameSieve(new ClientFrames(conversation, fates)),
    'to-client': new FrameSieve(new ServerFrames(conversation)),
  };
}

/**
 * Which answer belongs to which question, however many are on their way: the server ends its answers to each query, sync and function
 * call with one `ready for query`, in order.
 */
class Conversation {
  asked = UNASKED;
  answered = 0;
  /** From now on bytes are bytes: what is encrypted, or no Postgres, cannot be read. */
  isUnreadable = false;
  /** The COMMIT whose answer is to be lost. */
  losing: { readonly question: number; readonly fate: CommitFate } | undefined;

  /** @returns the size of a frame, if it can be one; otherwise of everything that is there. */
  readable(size: number, least: number, there: number): number {
    if (size >= least) return size;
    this.isUnreadable = true;
    return there;
  }
}

class ClientFrames implements Grammar {
  private hasIntroducedItself = false;

  constructor(
    private readonly conversation: Conversation,
    private readonly fates: CommitFates,
  ) {}

  sizeAt(bytes: Buffer, at: number): number {
    const { conversation } = this;
    const there = bytes.length - at;
    if (conversation.isUnreadable) return there;
    if (!this.hasIntroducedItself)
      return there < INTRODUCTION ? 0 : conversation.readable(bytes.readInt32BE(at), INTRODUCTION, there);
    if (there < HEADER) return 0;
    const size = conversation.readable(1 + bytes.readInt32BE(at + 1), HEADER, there);
    return bytes[at] === QUERY && size <= LONGEST_COMMIT && there < size ? 0 : size;
  }

  judge(bytes: Buffer, at: number, size: number): Verdict {
    const { conversation } = this;
    if (conversation.isUnreadable) return 'forward';
    if (!this.hasIntroducedItself) {
      this.hasIntroducedItself = true;
      const code = bytes.readInt32BE(at + 4);
      conversation.isUnreadable = code === SSL_REQUEST || code === GSSENC_REQUEST;
      return 'forward';
    }
    const type = bytes[at];
    if (type === QUERY || type === SYNC || type === FUNCTION_CALL) conversation.asked++;
    if (type !== QUERY || !isCommit(bytes, at, size)) return 'forward';
    const fate = this.fates.next();
    if (fate?.kind === 'unsent') return fate.claim() ? 'cut' : 'forward';
    if (fate) conversation.losing ??= { question: conversation.asked, fate };
    return 'forward';
  }
}

class ServerFrames implements Grammar {
  constructor(private readonly conversation: Conversation) {}

  sizeAt(bytes: Buffer, at: number): number {
    const { conversation } = this;
    const there = bytes.length - at;
    if (conversation.isUnreadable) return there;
    return there < HEADER ? 0 : conversation.readable(1 + bytes.readInt32BE(at + 1), HEADER, there);
  }

  judge(bytes: Buffer, at: number): Verdict {
    const { conversation } = this;
    const type = bytes[at];
    if (conversation.isUnreadable) return 'forward';
    if (type === READY_FOR_QUERY) conversation.answered++;
    const { losing } = conversation;
    if (losing?.question !== conversation.answered + 1) return 'forward';
    // An error is an answer to COMMIT as well: of a deferred constraint, or of a transaction that could not be written.
    if (type !== COMMAND_COMPLETE && type !== ERROR_RESPONSE) return 'forward';
    conversation.losing = undefined;
    return losing.fate.claim() ? 'cut' : 'forward';
  }
}

function isCommit(bytes: Buffer, at: number, size: number): boolean {
  if (size > LONGEST_COMMIT) return false;
  const text = bytes.toString('latin1', at + HEADER, at + size - 1);
  return /^\s*commit\s*;?\s*$/i.test(text);
}

function letter(of: string): number {
  return of.charCodeAt(0);
}
