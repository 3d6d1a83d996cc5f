import { Injectable } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { PermanentError } from '../../index';
import type { OrderAccepted } from './order';

/** A downstream service that may be slow, broken or away. */
@Injectable()
export class PaymentGateway {
  constructor(private readonly config: ConfigService) {}

  async charge(order: OrderAccepted, key: string, signal: AbortSignal): Promise<void> {
    const response = await fetch(
      new URL('/payments', this.config.getOrThrow<string>('EXAMPLE_PAYMENT_URL')),
      {
        method: 'POST',
        // The effect is outside our transaction: the key lets the other side recognise a repetition.
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify(order),
        // Aborted at the handler's timeout and at shutdown.
        signal,
      },
    );
    await response.body?.cancel();
    if (response.ok) return;
    const failure = `the payment service answered ${response.status}`;
    // Refused is refused; everything else may pass with time.
    if (response.status >= 400 && response.status < 500) throw new PermanentError(failure);
    throw new Error(failure);
  }
}
