import type { Writable } from 'node:stream';
import type { ChannelModel } from 'amqplib';

/** What is used of amqplib's connection: not in its types; `test/assumptions` watches over it. */
interface FrameWriter {
  readonly stream: Pick<Writable, 'cork' | 'uncork'>;
  readonly muxer: { _readIncoming(): void };
}

/**
 * Lets the frames of one turn of the event loop travel together. amqplib hands them over one by one, and with `noDelay` each is a packet of
 * its own, which costs us and the broker many times what is in it: a hundred acknowledgements as much as a hundred messages.
 */
export function writeOnceATurn(model: ChannelModel): void {
  const { stream, muxer } = model.connection as unknown as FrameWriter;
  const writeWhatWaits = muxer._readIncoming.bind(muxer);
  muxer._readIncoming = () => {
    stream.cork();
    try {
      writeWhatWaits();
    } finally {
      stream.uncork();
    }
  };
}
