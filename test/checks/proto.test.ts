import path from 'node:path';
import type { AnyDefinition, ServiceDefinition } from '@grpc/proto-loader';
import { describe, expect, it } from 'vitest';
import { loadProtos, protoFiles } from './proto-requests.js';
import { root } from './snippets.js';

// @grpc/proto-loader reads the .proto files by itself. That it and the generated code agree shows that
// what a client makes from the protos fits what the server serves.

interface Method {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

type Services = Record<string, Record<string, Method>>;

function methodsOf(service: ServiceDefinition): Record<string, Method> {
  const methods = Object.values(service).map(({ path, requestStream, responseStream }) => {
    return [path.split('/').at(-1) ?? path, { path, requestStream, responseStream }] as const;
  });
  return Object.fromEntries(methods.sort(([a], [b]) => a.localeCompare(b)));
}

function isService(definition: AnyDefinition): definition is ServiceDefinition {
  // Messages and enums have a `format`; a service has its methods only.
  return typeof (definition as { format?: unknown }).format !== 'string';
}

function loadedServices(): Services {
  const services: Services = {};
  for (const [name, definition] of Object.entries(loadProtos())) {
    if (isService(definition)) services[name] = methodsOf(definition);
  }
  return services;
}

/** What is exported as `XService` is a service definition of ts-proto, next to a type of that name. */
async function generatedServices(): Promise<Services> {
  const services: Services = {};
  for (const file of protoFiles) {
    const module = path.join(root, 'generated', file.replace(/\.proto$/, '.ts'));
    const exports = (await import(module)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(exports)) {
      if (!/Service$/.test(name) || typeof value !== 'object') continue;
      const methods = methodsOf(value as ServiceDefinition);
      const fullName = Object.values(methods)[0]?.path.split('/')[1] ?? name;
      services[fullName] = methods;
    }
  }
  return services;
}

describe('proto/ and generated/', () => {
  it('have the same services, methods, paths and streams', async () => {
    const loaded = loadedServices();
    expect(Object.keys(loaded).sort()).toEqual([
      'switchboard.source.v1.PrivateSourceService',
      'switchboard.v1.ConnectionService',
      'switchboard.v1.RegistryService',
    ]);
    expect(await generatedServices()).toEqual(loaded);
  });
});
