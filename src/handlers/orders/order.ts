import { z } from 'zod';

/** What `order.created` must look like; anything else is a dead letter with the reason `invalid`, never a retry. */
export const OrderCreated = z.object({
  id: z.string().min(1),
  customer: z.string().min(1),
  /** In cents. */
  amount: z.number().int().positive(),
  delivery: z.enum(['standard', 'express']).default('standard'),
  note: z.string().optional(),
});
export type OrderCreated = z.output<typeof OrderCreated>;

export const OrderAccepted = OrderCreated.pick({ id: true, amount: true });
export type OrderAccepted = z.output<typeof OrderAccepted>;
