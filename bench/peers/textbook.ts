import { Column, DataSource, Entity, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import { POOL_SIZE, type BenchMessage } from '../measuring/order';

@Entity('bench_order')
class BenchOrder {
  @PrimaryGeneratedColumn({ type: 'bigint' })
  id!: string;

  @Column({ type: 'text', name: 'message_id' })
  messageId!: string;

  @Column({ type: 'integer' })
  sequence!: number;

  @Column({ type: 'text' })
  customer!: string;

  @Column({ type: 'integer' })
  cents!: number;
}

@Entity('bench_inbox')
class BenchInbox {
  @PrimaryColumn({ type: 'text', name: 'message_id' })
  messageId!: string;

  @Column({ type: 'text' })
  status!: string;

  @Column({ type: 'timestamptz', name: 'processed_at', nullable: true })
  processedAt!: Date | null;
}

const orderOf = (messageId: string, { sequence, customer, cents }: BenchMessage): Partial<BenchOrder> => ({
  messageId,
  sequence,
  customer,
  cents,
});

/**
 * The idempotent consumer as articles and tutorials have it: look whether the message is known; in one transaction insert
 * it, do the work, mark it as done.
 */
export class Textbook {
  private readonly dataSource: DataSource;

  constructor(databaseUrl: string) {
    this.dataSource = new DataSource({
      type: 'postgres',
      url: databaseUrl,
      poolSize: POOL_SIZE,
      entities: [BenchOrder, BenchInbox],
    });
  }

  async open(): Promise<void> {
    await this.dataSource.initialize();
  }

  async handle(messageId: string, message: BenchMessage): Promise<void> {
    const known = await this.dataSource.getRepository(BenchInbox).findOneBy({ messageId });
    if (known) return;
    await this.dataSource.transaction(async (manager) => {
      await manager.insert(BenchInbox, { messageId, status: 'processing' });
      await manager.insert(BenchOrder, orderOf(messageId, message));
      await manager.update(BenchInbox, { messageId }, { status: 'done', processedAt: new Date() });
    });
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
  }
}
