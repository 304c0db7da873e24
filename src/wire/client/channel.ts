import type { ChannelOptions } from '@grpc/grpc-js';
import { CLIENT_KEEPALIVE } from '../keepalive.js';

/** The largest answer that clients accept. A commit has at most 8 MB. */
const MAX_RECEIVE_BYTES = 16 * 1024 * 1024;

/** Options of every channel to Switchboard; `overrides` win. */
export function channelOptions(overrides: ChannelOptions = {}): ChannelOptions {
  return {
    ...CLIENT_KEEPALIVE,
    'grpc.max_receive_message_length': MAX_RECEIVE_BYTES,
    // Retries by grpc-js would keep every message of a long stream for repeating it.
    'grpc.enable_retries': 0,
    'grpc.enable_channelz': 0,
    ...overrides,
  };
}
