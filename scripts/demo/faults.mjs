/** What can be broken, by whoever: a key, the schedule of `--ci`, or time. Each says what happens now. */
export class Faults {
  #stage;
  #say;

  constructor(stage, say) {
    this.#stage = stage;
    this.#say = say;
  }

  get state() {
    const { wires, paymentServer } = this.#stage;
    return {
      isDatabaseAway: wires.database.isApart,
      isBrokerAway: wires.broker.isApart,
      isDownstreamBroken: paymentServer.isBroken,
    };
  }

  poison(count = 25) {
    this.#stage.producer.burst(count);
    this.#say(
      `poison: ${count} malformed messages at once; each becomes a dead letter, and nobody waits for them`,
    );
  }

  databaseAway(ms = 10_000) {
    this.#stage.wires.database.holdApart(ms);
    this.#say(
      `database: away for ${ms / 1000} s, in the middle of transactions; consumers wait, no try is used up`,
    );
  }

  cutBroker(ms = 1_500) {
    this.#stage.wires.broker.holdApart(ms);
    this.#say(`broker: every connection of the service is cut, and none comes about for ${ms / 1000} s`);
  }

  /** Without a time it stays broken until somebody mends it. */
  breakDownstream(ms) {
    this.#stage.paymentServer.breakDown(ms);
    this.#say(
      `downstream: answers 503${ms ? ` and heals by itself in ${ms / 1000} s` : ''}; payments come back after a delay, orders and shipping go on`,
    );
  }

  mendDownstream() {
    this.#stage.paymentServer.mend();
    this.#say('downstream: works again');
  }

  toggleDownstream() {
    if (this.#stage.paymentServer.isBroken) this.mendDownstream();
    else this.breakDownstream();
  }

  async killService() {
    const { service, startService } = this.#stage;
    if (!service.pid) return;
    const { pid } = service;
    await service.kill();
    this.#say(`service: kill -9 of process ${pid}, whatever it was doing; a new one starts`);
    startService();
  }
}
