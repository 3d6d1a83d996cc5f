import type { AmqpWire, Direction, Undo } from './wire';

/** The wires of one replica to all nodes of a cluster, as if they were one. */
export class WireBundle implements AmqpWire {
  constructor(readonly wires: readonly AmqpWire[]) {}

  /** The addresses of all nodes by way of these wires, separated by commas. */
  get url(): string {
    return this.wires.map(({ url }) => url).join(',');
  }

  get connections(): number {
    return this.sum((wire) => wire.connections);
  }

  cut(share?: number): number {
    return this.sum((wire) => wire.cut(share));
  }

  refuse(): Undo {
    return this.all((wire) => wire.refuse());
  }

  mute(direction: Direction): Undo {
    return this.all((wire) => wire.mute(direction));
  }

  hold(): Undo {
    return this.all((wire) => wire.hold());
  }

  delay(ms: number): Undo {
    return this.all((wire) => wire.delay(ms));
  }

  throttle(direction: Direction, bytesPerSecond: number): Undo {
    return this.all((wire) => wire.throttle(direction, bytesPerSecond));
  }

  swallowConfirms(): Undo {
    return this.all((wire) => wire.swallowConfirms());
  }

  mend(): void {
    for (const wire of this.wires) wire.mend();
  }

  async close(): Promise<void> {
    await Promise.all(this.wires.map((wire) => wire.close()));
  }

  private all(trouble: (wire: AmqpWire) => Undo): Undo {
    const undos = this.wires.map(trouble);
    return () => {
      for (const undo of undos) undo();
    };
  }

  private sum(figure: (wire: AmqpWire) => number): number {
    return this.wires.reduce((total, wire) => total + figure(wire), 0);
  }
}
