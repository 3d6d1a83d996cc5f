/** It cannot be put on the wire, now or ever: its headers are larger than a frame, or a property is out of AMQP's bounds. */
export class UnpublishableError extends Error {
  override readonly name = 'UnpublishableError';
}
