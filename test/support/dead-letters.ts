import type { MessageProperties } from 'amqplib';
import type { World } from './holdfast';

export interface DeadLetter {
  readonly body: Buffer;
  readonly reason: unknown;
  readonly error: string;
  readonly headers: Record<string, unknown>;
  readonly properties: MessageProperties;
}

/** Takes the next dead letter of a queue, waiting for it. */
export async function takeDeadLetter(world: World, queue: string): Promise<DeadLetter> {
  const { content, properties } = await world.broker.take(`${queue}.dlq`);
  const headers = (properties.headers ?? {}) as Record<string, unknown>;
  const error = headers['holdfast-error'];
  return {
    body: content,
    reason: headers['holdfast-reason'],
    error: typeof error === 'string' ? error : '',
    headers,
    properties,
  };
}
