import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import type { BenchMessage } from '../measuring/order';

export const INSERT =
  'insert into bench_order (message_id, sequence, customer, cents) values ($1, $2, $3, $4)';

export const valuesOf = (id: string, { sequence, customer, cents }: BenchMessage): unknown[] => [
  id,
  sequence,
  customer,
  cents,
];

@Entity('bench_order')
export class BenchOrder {
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
