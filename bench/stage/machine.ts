import { availableParallelism, cpus, totalmem } from 'node:os';

export function describeMachine(rabbitmq: string, postgres: string): string {
  const gibibytes = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}) shared by client, broker and database, ${gibibytes} GiB, Node ${process.versions.node}, RabbitMQ ${rabbitmq}, PostgreSQL ${postgres}`;
}
