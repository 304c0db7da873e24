import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import { RegistryServiceClient } from '../../../generated/switchboard/v1/registry_service.js';
import type { Observation } from '../../domain/facts.js';
import { toRecordFactsRequest } from '../inspection-codec.js';
import { callUnary, type UnaryOptions } from './call.js';
import { channelOptions } from './channel.js';

/** What a node learned about a server by connecting to it. */
export interface ReportedFacts {
  readonly tenant: string;
  readonly id: string;
  readonly observation: Omit<Observation, 'observeTime'>;
}

/** A client of RegistryService that reports facts. */
export interface FactsClient {
  /** Throws a SwitchboardError. */
  recordFacts(facts: ReportedFacts, options: UnaryOptions): Promise<void>;
  close(): void;
}

/** A client at `target`, such as `127.0.0.1:7070`. Its owner closes it. */
export function createFactsClient(
  target: string,
  credentials: ChannelCredentials,
  options?: ChannelOptions,
): FactsClient {
  const stub = new RegistryServiceClient(target, credentials, channelOptions(options));
  return {
    async recordFacts(facts, callOptions) {
      await callUnary(stub.recordFacts.bind(stub), toRecordFactsRequest(facts), callOptions);
    },
    close: () => {
      stub.close();
    },
  };
}
