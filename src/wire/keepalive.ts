import type { ChannelOptions } from '@grpc/grpc-js';

/**
 * The keepalive policy of both sides, in one place because each half only works with the
 * other. Pings find dead peers; a stream that is merely quiet stays open.
 */

/**
 * Servers ping a silent client every 30 s and give it 20 s to answer. They accept pings
 * as often as every 10 s (grpc-js sets no limit of its own; what stands in front of it
 * must not be stricter). A connection is asked to move after 30 minutes, give or take a
 * tenth, so that clients spread over new replicas; its streams have a minute to do so and
 * are then cut, which clients answer by opening a stream from their last token.
 */
export const SERVER_KEEPALIVE: ChannelOptions = Object.freeze({
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.max_connection_age_ms': 30 * 60_000,
  'grpc.max_connection_age_grace_ms': 60_000,
});

/** Clients ping every 20 s, also without calls, and give up on a peer after 10 s. */
export const CLIENT_KEEPALIVE: ChannelOptions = Object.freeze({
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 1,
});
