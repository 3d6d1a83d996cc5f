/**
 * Who may know whom. A room is a folder of src/; others see it only through its face, `<room>/<room>.module.ts`.
 * Adding an arrow here is a decision about the shape of the house: say why in the commit.
 */
const MAY_KNOW = {
  message: [],
  config: ['message'],
  database: ['config', 'message'],
  broker: ['config', 'message'],
  topology: ['broker', 'config', 'message'],
  idempotency: ['database', 'config', 'message'],
  // What handlers publish: written with their transaction, handed to the broker after it.
  outbox: ['broker', 'config', 'database', 'message'],
  // Many messages in one transaction.
  grouping: ['database', 'idempotency', 'message'],
  middleware: ['message'],
  registration: ['message', 'middleware', 'config'],
  // What happens to one message, from its arrival to its outcome on the wire.
  processing: [
    'broker',
    'config',
    'database',
    'grouping',
    'idempotency',
    'message',
    'middleware',
    'outbox',
    'registration',
    'topology',
  ],
  // What the broker makes of what was declared: the plan, the queues of the handlers, and what the broker says of them.
  inspection: ['broker', 'config', 'message', 'registration', 'topology'],
  access: ['config', 'database', 'message'],
  // access: only for the guards on its controller.
  consumer: [
    'access',
    'broker',
    'config',
    'database',
    'idempotency',
    'inspection',
    'message',
    'outbox',
    'processing',
    'registration',
    'topology',
  ],
  intake: ['broker', 'consumer', 'registration', 'idempotency', 'middleware', 'access', 'config', 'message'],
  // Reads the state of the others for probes and metrics, and puts its span around handlers as a middleware; nobody needs it.
  observability: [
    'message',
    'config',
    'broker',
    'database',
    'idempotency',
    'inspection',
    'consumer',
    'middleware',
    'outbox',
    'access',
  ],
  // The example domain sees what a user sees: the public API, or the rooms behind it.
  handlers: ['message', 'registration', 'middleware'],
};

const FACE = '^src/([^/]+)/\\1\\.module\\.ts$';

const directions = Object.entries(MAY_KNOW).map(([room, known]) => ({
  name: `${room}-knows-too-much`,
  comment: `src/${room} may know ${known.length > 0 ? known.join(', ') : 'no other room'}.`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: {
    path: '^src/',
    pathNot: [room, ...known]
      .map((name) => `^src/${name}/`)
      .concat(room === 'handlers' ? '^src/index\\.ts$' : []),
  },
}));

module.exports = {
  forbidden: [
    {
      name: 'no-circle',
      comment:
        'A circle, types included, leaves constructor types undefined at boot and rooms that cannot be taken out alone.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'a-room-without-directions',
      comment: 'A new folder of src/ needs its line in MAY_KNOW first.',
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: Object.keys(MAY_KNOW).map((room) => `^src/${room}/`) },
      to: {},
    },
    {
      name: 'only-through-the-face',
      comment: 'Import another room from its <room>.module.ts, types too; export there what others need.',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: '^src/[^/]+/', pathNot: ['^src/$1/', FACE] },
    },
    {
      name: 'the-app-uses-faces',
      comment: 'The composition root and the public API see rooms through their faces as well.',
      severity: 'error',
      from: { path: '^src/[^/]+\\.ts$' },
      to: { path: '^src/[^/]+/', pathNot: [FACE, '^src/handlers/'] },
    },
    {
      name: 'no-own-face',
      comment: "A room's own files import each other; going through the face makes a circle.",
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^src/$1/$1\\.module\\.ts$' },
    },
    ...directions,
    {
      name: 'observability-is-a-leaf',
      comment: 'Taking src/observability out with its lines in the composition root must still compile.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: ['^src/observability/', '^src/(app|holdfast)\\.module\\.ts$', '^src/(main|index)\\.ts$'],
      },
      to: { path: '^src/observability/' },
    },
    {
      name: 'amqp-only-in-broker',
      comment: 'One room knows the AMQP libraries, their types included.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/broker/' },
      to: {
        path: '(^|/)node_modules/(amqplib|amqp-connection-manager|@golevelup)/|^(amqplib|amqp-connection-manager|@golevelup)',
      },
    },
    {
      name: 'sql-only-in-stores',
      comment: 'Drivers are used in database/ and *.store.ts; elsewhere only their types may be named.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: ['^src/database/', '\\.store\\.ts$', '\\.spec\\.ts$', '^src/handlers/'],
      },
      to: {
        path: '(^|/)node_modules/(pg|pg-[^/]+|typeorm|@nestjs/typeorm)/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'no-test-in-the-product',
      comment: 'What ships does not import what tests it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { path: ['^(test|bench|chaos|drawing|examples|scripts)/', '\\.spec\\.ts$'] },
    },
    {
      name: 'no-development-dependency-in-the-product',
      comment: 'It would be missing after `npm ci --omit=dev`.',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'declared-dependencies-only',
      comment: 'Imported, but not in package.json or not to be found.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
    {
      name: 'nothing-unresolved',
      comment: 'The import leads nowhere.',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|coverage)/' },
    // Sees `import type` as well, which the compiled output no longer has.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'default', 'types'],
    },
    reporterOptions: { text: { highlightFocused: true } },
  },
};
