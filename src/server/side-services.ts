import {
  type Server,
  type ServiceDefinition,
  type StatusObject,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { descriptorFiles } from '../wire/descriptors.js';

/** What has a health of its own; the empty name stands for the server as a whole. */
export const HEALTH_NAMES = [
  '',
  'switchboard.v1.RegistryService',
  'switchboard.v1.ConnectionService',
] as const;

/** Health (grpc.health.v1) and reflection (v1 and v1alpha). They ask for no credentials. */
export interface SideServices {
  /** What health answers for every name, at once also on open health watches. */
  setServing(serving: boolean): void;
  /** Ends the streams of both with `status`: they would never end by themselves. */
  endStreams(status: StatusObject): void;
}

/** Adds both to `server`; NOT_SERVING at first. */
export function addSideServices(server: Pick<Server, 'addService'>): SideServices {
  const streams = new Set<OpenStream>();
  const tracked = {
    addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
      server.addService(definition, trackStreams(definition, implementation, streams));
    },
  };
  const health = new HealthImplementation(
    Object.fromEntries(HEALTH_NAMES.map((name) => [name, 'NOT_SERVING'])),
  );
  health.addToServer(tracked);
  new ReflectionService(reflected()).addToServer(tracked);
  return {
    setServing(serving) {
      for (const name of HEALTH_NAMES) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
    },
    endStreams(status) {
      for (const stream of streams) stream.emit('error', status);
    },
  };
}

/**
 * What reflection serves: the compiled .proto files as they are, so that grpcurl also shows
 * their comments. proto-loader would make new files out of them, without comments, under
 * other names, and with maps that Go refuses.
 */
function reflected(): PackageDefinition {
  const files = { format: 'Protocol Buffer 3 DescriptorProto', type: {} };
  const fileDescriptorProtos = descriptorFiles().map((file) => Buffer.from(file));
  return { switchboard: { ...files, fileDescriptorProtos } } as unknown as PackageDefinition;
}

interface OpenStream {
  once(event: 'cancelled', listener: () => void): unknown;
  emit(event: 'error', status: StatusObject): boolean;
}

function trackStreams(
  definition: ServiceDefinition,
  implementation: UntypedServiceImplementation,
  streams: Set<OpenStream>,
): UntypedServiceImplementation {
  const bound: UntypedServiceImplementation = { ...implementation };
  for (const [name, method] of Object.entries(definition)) {
    // The libraries write some names like the .proto file and some in camel case.
    const key = [name, method.originalName ?? name].find((candidate) => candidate in bound);
    const handler = key === undefined ? undefined : bound[key];
    if (key === undefined || handler === undefined || !method.responseStream) continue;
    bound[key] = (call: OpenStream): void => {
      streams.add(call);
      call.once('cancelled', () => streams.delete(call));
      (handler as (call: OpenStream) => void)(call);
    };
  }
  return bound;
}
