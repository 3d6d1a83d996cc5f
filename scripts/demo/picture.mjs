/* A snapshot in words and numbers: pure, so that the terminal and the plain log tell the same. */

const COLUMNS = [
  ['consumer', 10],
  ['state', 10],
  ['done', 8],
  ['/s', 6],
  ['retried', 8],
  ['duplicate', 10],
  ['dead', 6],
  ['waiting', 8],
  ['in flight', 10],
];

/** The block that is redrawn: an array of lines. */
export function draw(snapshot, { keys }) {
  return [
    rule,
    `${clock(snapshot.elapsedMs)}  published ${snapshot.published.total} (${snapshot.rates.published}/s): ` +
      `${snapshot.published.good} good, ${snapshot.published.bug} meet a bug, ` +
      `${snapshot.published.malformed} malformed, ${snapshot.published.repetition} sent twice`,
    '',
    row(COLUMNS.map(([title]) => title)),
    ...Object.entries(snapshot.consumers).map(([queue, consumer]) => row(cells(queue, consumer))),
    `in delay queues, until their next try: ${snapshot.delayed}`,
    '',
    `faults    ${faults(snapshot.faults)}`,
    `account   ${account(snapshot)}`,
    ...(keys ? [keys] : []),
  ];
}

/** One line for where nothing can be redrawn. */
export function summarise(snapshot) {
  const consumers = Object.entries(snapshot.consumers).map(
    ([queue, { state, done, retried, duplicate, dead, waiting, inFlight }]) =>
      `${queue} ${state}: done ${done}, retried ${retried}, duplicate ${duplicate}, dead ${dead}, ` +
      `waiting ${waiting}, in flight ${inFlight}`,
  );
  return (
    `${clock(snapshot.elapsedMs)} published ${snapshot.published.total}; ${consumers.join('; ')}; ` +
    `delayed ${snapshot.delayed}; ${faults(snapshot.faults)}`
  );
}

const rule = '─'.repeat(COLUMNS.reduce((sum, [, width]) => sum + width, 0));

const cells = (queue, { state, done, rate, retried, duplicate, dead, waiting, inFlight }) => [
  queue,
  state,
  done,
  rate,
  retried,
  duplicate,
  dead,
  waiting,
  inFlight,
];

const row = (values) =>
  values
    .map((value, index) => {
      const [, width] = COLUMNS[index];
      return index < 2 ? String(value).padEnd(width) : String(value).padStart(width);
    })
    .join('');

const faults = ({ isServiceUp, isDatabaseAway, isBrokerAway, isDownstreamBroken }) =>
  [
    `service ${isServiceUp ? 'up' : 'DOWN'}`,
    `database ${isDatabaseAway ? 'AWAY' : 'there'}`,
    `broker ${isBrokerAway ? 'AWAY' : 'there'}`,
    `downstream ${isDownstreamBroken ? 'BROKEN' : 'ok'}`,
  ].join(' · ');

function account({ orders, consumers, twice }) {
  const { done, dead } = consumers.orders;
  const underWay = Math.max(0, orders - done - dead);
  return `${orders} orders = ${done} done + ${dead} dead + ${underWay} under way; done twice: ${twice}`;
}

/** 75000 → `01:15` */
export function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  return [seconds / 60, seconds % 60].map((part) => String(Math.floor(part)).padStart(2, '0')).join(':');
}
