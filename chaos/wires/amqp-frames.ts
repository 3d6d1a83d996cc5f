import { FrameSieve, type Grammar, type Sieve, type Verdict } from './sieve';

/** Type, channel and size before the payload, one octet after it. */
const HEADER = 7;
const FRAME_END = 1;
/** The header, then class and method. */
const METHOD_HEADER = HEADER + 4;
const METHOD = 1;
/** Method, header, body, heartbeat. */
const TYPES: readonly (number | undefined)[] = [METHOD, 2, 3, 8];

const BASIC = 60;
const ACK = 80;
const NACK = 120;

/** For what the broker says: its acknowledgements are confirms, because it consumes nothing. */
export function confirmSieve(isSwallowing: () => boolean): Sieve {
  return new FrameSieve(new BrokerFrames(isSwallowing));
}

class BrokerFrames implements Grammar {
  /** A broker that does not speak AMQP 0-9-1 answers with another header and hangs up. */
  private isUnreadable = false;

  constructor(private readonly isSwallowing: () => boolean) {}

  sizeAt(bytes: Buffer, at: number): number {
    const there = bytes.length - at;
    if (this.isUnreadable || !TYPES.includes(bytes[at])) {
      this.isUnreadable = true;
      return there;
    }
    if (there < (bytes[at] === METHOD ? METHOD_HEADER : HEADER)) return 0;
    return HEADER + bytes.readUInt32BE(at + 3) + FRAME_END;
  }

  judge(bytes: Buffer, at: number): Verdict {
    return !this.isUnreadable && this.isSwallowing() && isConfirm(bytes, at) ? 'swallow' : 'forward';
  }
}

function isConfirm(bytes: Buffer, at: number): boolean {
  if (bytes[at] !== METHOD || bytes.readUInt16BE(at + HEADER) !== BASIC) return false;
  const method = bytes.readUInt16BE(at + HEADER + 2);
  return method === ACK || method === NACK;
}
