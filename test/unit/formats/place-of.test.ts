import { describe, expect, it } from 'vitest';
import { type Format, placeOf } from '../../../src/formats/format.js';
import { readServers } from '../../../src/formats/read-servers.js';

/** Where the file has a field of its only server: `line:column field`. */
function place(text: string, format: Format, fieldPath: string): string {
  const { servers, problems } = readServers(text, { format });
  expect(problems).toEqual([]);
  const [server] = servers;
  if (server === undefined) throw new Error('no server was read');
  const { line, column, field } = placeOf(server, fieldPath);
  return `${String(line)}:${String(column)} ${field}`;
}

const LIBRECHAT = `mcpServers:
  github:
    type: streamable-http
    url: https://a.test
    headers:
      Authorization: x
      spec.X: y
    timeout: 5
    oauth: { scope: a, client_id: b }
    customUserVars:
      KEY: { title: t }
`;

const OWN = `servers:
  - name: a
    externalId: x
    tier: USER
    spec:
      streamableHttp:
        url: https://a.test
        headers: { X-A: b }
      user_variables:
        KEY: { title: t }
      timeouts:
        call: 5s
      icons:
        - src: https://a.test/i
`;

const VSCODE = `{
  "inputs": [{ "id": "k" }],
  "servers": {
    "x/a": { "command": "c", "args": ["-k", "\${input:k}"] }
  }
}`;

const SERVER_JSON = `{
  "name": "a.b/c", "description": "d", "version": "1",
  "packages": [{
    "registryType": "npm", "identifier": "p", "transport": { "type": "stdio" },
    "packageArguments": [
      { "type": "named", "name": "--x",
        "value": "y" }],
    "environmentVariables": [
      { "name": "K", "isRequired": true }]
  }]
}`;

describe('a field that the server refuses', () => {
  it.each([
    ['server.spec.streamable_http.url', '4:5 mcpServers.github.url'],
    [
      'server.spec.streamable_http.headers[Authorization]',
      '6:7 mcpServers.github.headers.Authorization',
    ],
    ['servers[3].spec.streamable_http.headers[spec.X]', '7:7 mcpServers.github.headers["spec.X"]'],
    ['servers[3].server.spec.streamable_http.headers', '5:5 mcpServers.github.headers'],
    ['spec.timeouts.call', '8:5 mcpServers.github.timeout'],
    ['server.spec.oauth.scopes', '9:14 mcpServers.github.oauth.scope'],
    ['server.spec.oauth.client_id', '9:24 mcpServers.github.oauth.client_id'],
    ['server.spec.user_variables[KEY].title', '11:7 mcpServers.github.customUserVars.KEY'],
    ['server.name', '2:3 mcpServers.github'],
    ['server.tier', '2:3 mcpServers.github'],
    ['server.spec.labels[a]', '2:3 mcpServers.github'],
    ['request_id', '2:3 mcpServers.github'],
    ['', '2:3 mcpServers.github'],
  ])('is found in a librechat.yaml: %s', (path, expected) => {
    expect(place(LIBRECHAT, 'librechat', path)).toBe(expected);
  });

  it.each([
    ['server.name', '2:5 servers[0].name'],
    ['server.external_id', '3:5 servers[0].externalId'],
    ['server.tier', '4:5 servers[0].tier'],
    ['server.spec.streamable_http.url', '7:9 servers[0].spec.streamableHttp.url'],
    ['server.spec.streamable_http.headers[X-A]', '8:20 servers[0].spec.streamableHttp.headers.X-A'],
    ['server.spec.user_variables[KEY].description', '10:9 servers[0].spec.user_variables.KEY'],
    ['server.spec.timeouts.call', '12:9 servers[0].spec.timeouts.call'],
    ['server.spec.icons[0].src', '14:11 servers[0].spec.icons[0].src'],
  ])('is found in our own file: %s', (path, expected) => {
    expect(place(OWN, 'switchboard', path)).toBe(expected);
  });

  it.each([
    ['server.spec.stdio.args[1]', '4:45 servers["x/a"].args[1]'],
    ['server.spec.user_variables[k].title', '2:14 inputs[0]'],
    ['server.external_id', '4:5 servers["x/a"]'],
  ])('is found in VS Code’s file: %s', (path, expected) => {
    expect(place(VSCODE, 'vscode', path)).toBe(expected);
  });

  it.each([
    ['server.name', '2:3 name'],
    ['server.spec.stdio.args[0]', '4:28 packages[0].identifier'],
    ['server.spec.stdio.args[2]', '6:7 packages[0].packageArguments[0]'],
    ['server.spec.stdio.env[K]', '9:7 packages[0].environmentVariables[0]'],
    ['server.spec.user_variables[K]', '9:7 packages[0].environmentVariables[0]'],
    ['server.spec.description', '2:20 description'],
  ])('is found in a server.json: %s', (path, expected) => {
    expect(place(SERVER_JSON, 'server-json', path)).toBe(expected);
  });
});
