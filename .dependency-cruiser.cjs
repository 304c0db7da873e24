// Who may import whom: docs/architecture.md as rules. Each comment says what the rule means and how
// to satisfy it. test/checks/layering.test.ts has a bad example for every rule and proves that it fires.
//
// A package that is not installed resolves to its bare name, hence `(^|node_modules/)`.
const pkg = (names) => `(^|node_modules/)(${names})(/|$)`;

const CONTRACTS = '^src/storage/(?!open-storage\\.ts$)[^/]+\\.ts$';
const ENTRIES = '^src/(server/main|cli/main|client/index)\\.ts$';
const ENGINES = '^src/storage/(catalog|relay|leases)/';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'domain-is-pure',
      comment:
        'src/domain decides and computes; it does no I/O and knows nobody. It may import src/domain and ' +
        'node:crypto. Fix: pass what you need as an argument, or move the code to services.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { pathNot: ['^src/domain/', '^(node:)?crypto$'] },
    },
    {
      name: 'storage-contracts-import-domain-only',
      comment:
        'A storage contract (src/storage/*.ts) is in words of the domain, so that every engine fits it. It ' +
        'may import src/domain and other contracts. Fix: move engine code into its engine folder.',
      severity: 'error',
      from: { path: CONTRACTS },
      to: { pathNot: ['^src/domain/', CONTRACTS] },
    },
    {
      name: 'storage-knows-no-caller',
      comment:
        'Storage stands below services, server and everything else of ours but the domain. Fix: let the ' +
        'caller pass what is needed, or move the shared part to src/domain.',
      severity: 'error',
      from: { path: ['^src/storage/open-storage\\.ts$', ENGINES] },
      to: { path: '^(src|generated)/', pathNot: ['^src/domain/', '^src/storage/'] },
    },
    {
      name: 'lmdb-stays-home',
      comment:
        'Only the LMDB catalog knows lmdb. Fix: add what you need to the Catalog contract and its suite.',
      severity: 'error',
      from: { pathNot: '^src/storage/catalog/lmdb/' },
      to: { path: pkg('lmdb') },
    },
    {
      name: 'mongodb-stays-home',
      comment:
        'Only the MongoDB catalog knows mongodb. Fix: add what you need to the Catalog contract and its suite.',
      severity: 'error',
      from: { pathNot: '^src/storage/catalog/mongo/' },
      to: { path: pkg('mongodb|bson') },
    },
    {
      name: 'redis-stays-home',
      comment:
        'Only the Redis relay and the redlock leases know their clients. Fix: add what you need to the ' +
        'Relay or Leases contract and its suite.',
      severity: 'error',
      from: { pathNot: '^src/storage/(relay/redis|leases/redlock)/' },
      to: { path: pkg('ioredis|redis|redlock') },
    },
    {
      name: 'engines-behind-open-storage',
      comment:
        'Which engine runs is decided once, in src/storage/open-storage.ts. Fix: ask openStorage for a ' +
        'contract. An engine folder may import its own files, not those of another engine.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/storage/open-storage\\.ts$', ENGINES] },
      to: { path: ENGINES },
    },
    {
      name: 'engines-apart',
      comment:
        'An engine knows no other engine. Fix: what two engines share belongs to the domain or to the contract.',
      severity: 'error',
      from: { path: '^src/storage/(catalog|relay|leases)/([^/]+)/' },
      to: { path: ENGINES, pathNot: '^src/storage/$1/$2/' },
    },
    {
      name: 'services-know-no-engine',
      comment:
        'Services see storage through its contracts only. Fix: import the contract (src/storage/<name>.ts) ' +
        'and take the opened instance as an argument.',
      severity: 'error',
      from: { path: '^src/services/' },
      to: { path: '^src/storage/open-storage\\.ts$' },
    },
    {
      name: 'services-know-no-transport',
      comment:
        'Services are use cases; gRPC, wire messages, config files and MCP stand outside. Fix: speak domain ' +
        'types, and decode and encode in src/server.',
      severity: 'error',
      from: { path: '^src/services/' },
      to: { path: '^src/(wire|server|client|cli|mcp|formats)/' },
    },
    {
      name: 'wire-knows-domain-only',
      comment:
        'src/wire translates between generated messages and the domain. It may import src/domain and ' +
        'generated/. Fix: move the decision to where the translation is called.',
      severity: 'error',
      from: { path: '^src/wire/' },
      to: { path: '^src/', pathNot: '^src/(wire|domain)/' },
    },
    {
      name: 'formats-know-domain-only',
      comment:
        'src/formats turns config files into servers and back: text in, text out. It may import src/domain, ' +
        'and src/wire for the proto JSON of our own format. Fix: leave files and requests to who calls it.',
      severity: 'error',
      from: { path: '^src/formats/' },
      to: { path: ['^src/', '^(node:)?fs'], pathNot: '^src/(formats|domain|wire)/' },
    },
    {
      name: 'mcp-knows-domain-only',
      comment:
        'src/mcp is used by the client and by the server, so it may know neither. Fix: define the contract ' +
        'in src/domain, or pass a function.',
      severity: 'error',
      from: { path: '^src/mcp/' },
      to: { path: '^src/', pathNot: '^src/(mcp|domain)/' },
    },
    {
      name: 'client-not-server',
      comment:
        'The client library is installed in applications. Of ours it may import src/domain, src/wire and ' +
        'src/mcp, never server, services or storage. Fix: move the shared part to src/domain or src/wire.',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { path: '^src/', pathNot: '^src/(client|domain|wire|mcp)/' },
    },
    {
      name: 'server-not-client',
      comment:
        'The server serves clients and contains none. Fix: move the shared part to src/domain or src/wire.',
      severity: 'error',
      from: { path: '^src/server/' },
      to: { path: '^src/(client|cli)/' },
    },
    {
      name: 'cli-is-a-client',
      comment:
        'The command speaks to a server like everyone else: through src/client, src/wire and src/domain; it ' +
        'reads files by src/formats, and only `serve` starts src/server/main.ts. Fix: use the client ' +
        'library, or add an RPC.',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: {
        path: '^src/',
        pathNot: ['^src/(cli|client|wire|domain|formats)/', '^src/server/main\\.ts$'],
      },
    },
    {
      name: 'generated-only-in-wire',
      comment:
        'Only src/wire knows the generated messages. Fix: import the domain type, and let src/wire ' +
        're-export what the edges need (service definitions, client constructors).',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/wire/' },
      to: { path: '^generated/' },
    },
    {
      name: 'wire-hands-on-no-messages',
      comment:
        'What a file of src/wire re-exports from generated/ is known outside of it all the same. Only ' +
        'service-definitions.ts and clients.ts do, for the server and the command. Fix: export a function ' +
        'that takes or returns domain types.',
      severity: 'error',
      from: { path: '^src/wire/', pathNot: '^src/wire/(service-definitions|clients)\\.ts$' },
      to: { path: '^generated/', dependencyTypes: ['export'] },
    },
    {
      name: 'sdk-only-in-connector',
      comment:
        'Only src/mcp knows the MCP SDK, so that a new line of it changes one folder. Fix: add what you ' +
        'need to the connector.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/mcp/' },
      to: { path: pkg('@modelcontextprotocol') },
    },
    {
      name: 'grpc-only-at-the-edges',
      comment:
        'gRPC is known to src/server, src/wire, src/client and src/cli. Fix: throw a domain error and take ' +
        'an AbortSignal; the edges translate.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(server|wire|client|cli)/' },
      to: { path: pkg('@grpc|grpc-health-check') },
    },
    {
      name: 'packages-are-declared',
      comment:
        'What runs from src/ must be installed with the package. Fix: move the package from ' +
        'devDependencies to dependencies, or do without it.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg'] },
    },
    {
      name: 'no-cycles',
      comment:
        'Files that import each other in a circle cannot be understood or tested alone, also when only by ' +
        'types. Fix: move what both need into a third file.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment:
        'A file that imports nothing and is imported by nobody is dead. Fix: delete it or use it.',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: '\\.d\\.ts$' },
      to: {},
    },
    {
      name: 'no-unused-file',
      comment:
        'Everything in src/ is reached from an entry: server main, cli main or the client library. Fix: ' +
        'delete the file, or use it. (A file that only tests use belongs to test/support.)',
      severity: 'error',
      from: { path: ENTRIES },
      to: { path: '^src/', pathNot: [ENTRIES, '\\.d\\.ts$'], reachable: false },
    },
    {
      name: 'no-test-in-src',
      comment: 'Tests live in test/, by layer. Fix: move the file; CONTRIBUTING.md has the map.',
      severity: 'error',
      from: { path: '^src/.*\\.(test|spec|suite)\\.ts$' },
      to: {},
    },
    {
      name: 'src-imports-no-test',
      comment: 'What ships never depends on test code. Fix: move the shared part to src/.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    // Imports of types count: they are knowledge too.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.d.ts'],
    },
  },
};
