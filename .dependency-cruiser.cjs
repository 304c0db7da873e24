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
        'src/domain decides and computes; it does no I/O and has no other dependencies. It may ' +
        'import src/domain and node:crypto. Fix: pass what you need as an argument, or move ' +
        'the code to services.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { pathNot: ['^src/domain/', '^(node:)?crypto$'] },
    },
    {
      name: 'storage-contracts-import-domain-only',
      comment:
        'A storage contract (src/storage/*.ts) uses domain terms only, so that every engine ' +
        'can implement it. It may import src/domain and other contracts. Fix: move engine code ' +
        'into its engine folder.',
      severity: 'error',
      from: { path: CONTRACTS },
      to: { pathNot: ['^src/domain/', CONTRACTS] },
    },
    {
      name: 'storage-knows-no-caller',
      comment:
        'Storage is below services, server and all other folders except the domain. Fix: let ' +
        'the caller pass what you need, or move the shared part to src/domain.',
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
        'Engines are chosen in one place, src/storage/open-storage.ts. Fix: ask openStorage ' +
        'for a contract. An engine folder may import its own files, not those of another ' +
        'engine.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/storage/open-storage\\.ts$', ENGINES] },
      to: { path: ENGINES },
    },
    {
      name: 'engines-apart',
      comment:
        'Engines do not know each other. Fix: move code that two engines share to the domain or the contract.',
      severity: 'error',
      from: { path: '^src/storage/(catalog|relay|leases)/([^/]+)/' },
      to: { path: ENGINES, pathNot: '^src/storage/$1/$2/' },
    },
    {
      name: 'services-know-no-engine',
      comment:
        'Services use storage through its contracts only. Fix: import the contract ' +
        '(src/storage/<name>.ts) and take the opened instance as an argument.',
      severity: 'error',
      from: { path: '^src/services/' },
      to: { path: '^src/storage/open-storage\\.ts$' },
    },
    {
      name: 'services-know-no-transport',
      comment:
        'Services are use cases; gRPC, wire messages, config files and MCP stay outside. Fix: ' +
        'use domain types, and decode and encode in src/server.',
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
        'src/formats turns config files into servers and back: text in, text out. It may ' +
        'import src/domain, and src/wire for the proto JSON of our own format. Fix: leave ' +
        'files and requests to the caller.',
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
        'The client library is installed in applications. It may import src/domain, src/wire ' +
        'and src/mcp, never server, services or storage. Fix: move the shared part to ' +
        'src/domain or src/wire.',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { path: '^src/', pathNot: '^src/(client|domain|wire|mcp)/' },
    },
    {
      name: 'server-not-client',
      comment:
        'The server does not depend on the client library. Fix: move the shared part to src/domain or src/wire.',
      severity: 'error',
      from: { path: '^src/server/' },
      to: { path: '^src/(client|cli)/' },
    },
    {
      name: 'cli-is-a-client',
      comment:
        'The CLI talks to a server like any other client: through src/client, src/wire and ' +
        'src/domain; it reads files with src/formats, and only `serve` starts ' +
        'src/server/main.ts. Fix: use the client library, or add an RPC.',
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
        'Only src/wire knows the generated messages, and the handlers of the server, which decode and ' +
        'encode them; test/checks/messages.test.ts finds them in inferred types too. Fix: import the domain ' +
        'type, and translate in src/wire.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/wire/' },
      to: { path: '^generated/' },
    },
    {
      name: 'wire-hands-on-no-messages',
      comment:
        'A message that a file of src/wire re-exports from generated/ is known outside of it too. Only ' +
        'service-definitions.ts re-exports from there, for the server. Fix: export a function that takes or ' +
        'returns domain types.',
      severity: 'error',
      from: { path: '^src/wire/', pathNot: '^src/wire/service-definitions\\.ts$' },
      to: { path: '^generated/', dependencyTypes: ['export'] },
    },
    {
      name: 'clients-import-no-codec',
      comment:
        'Codecs take and return generated messages. The CLI, the client library and the formats import ' +
        'from src/wire only client/, status.ts and spec-json.ts. Fix: add a function with domain types to ' +
        'src/wire/client.',
      severity: 'error',
      from: { path: '^src/(cli|client|formats)/' },
      to: { path: '^src/wire/', pathNot: '^src/wire/(client/|(status|spec-json)\\.ts$)' },
    },
    {
      name: 'sdk-only-in-connector',
      comment:
        'Only src/mcp knows the MCP SDK, so that an SDK upgrade changes one folder. Fix: add ' +
        'what you need to the connector.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/mcp/' },
      to: { path: pkg('@modelcontextprotocol') },
    },
    {
      name: 'grpc-only-at-the-edges',
      comment:
        'Only src/server, src/wire, src/client and src/cli know gRPC. Fix: throw a domain ' +
        'error and take an AbortSignal; the edges translate.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(server|wire|client|cli)/' },
      to: { path: pkg('@grpc|grpc-health-check') },
    },
    {
      name: 'packages-are-declared',
      comment:
        'Everything that src/ imports must be installed with the package. Fix: move the ' +
        'package from devDependencies to dependencies, or remove the import.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg'] },
    },
    {
      name: 'no-cycles',
      comment:
        'Files that import each other in a cycle, even if only types, cannot be understood or ' +
        'tested alone. Fix: move what both need into a third file.',
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
        'Everything in src/ is reachable from an entry point: server main, cli main or the ' +
        'client library. Fix: delete the file, or use it. (A file that only tests use belongs ' +
        'to test/support.)',
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
      comment: 'Shipped code never depends on test code. Fix: move the shared part to src/.',
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
