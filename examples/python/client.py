"""A client of Switchboard in Python. Takes requests as proto JSON, and prints what it sees as lines of JSON.

    client.py [flags] watch WATCH_SERVERS_REQUEST      a view, then every change, until SIGINT or SIGTERM
    client.py [flags] get   GET_SERVER_REQUEST         one server
    client.py [flags] check CHECK_CONNECTIONS_REQUEST  whether connections that are held are up to date

The K numbers are the rules of docs/clients.md.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "gen"))

import grpc
from google.protobuf.json_format import MessageToDict, Parse
from google.rpc import code_pb2 as Code
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status
from switchboard.v1.common_pb2 import HeldServer, ResponseHeader
from switchboard.v1.connection_service_pb2 import CheckConnectionsRequest
from switchboard.v1.connection_service_pb2_grpc import ConnectionServiceStub
from switchboard.v1.registry_service_pb2 import (
    GetServerRequest, ListServersResponse, ServerEvent, WatchServersRequest)
from switchboard.v1.registry_service_pb2_grpc import RegistryServiceStub

CHANNEL_OPTIONS = [
    ("grpc.keepalive_time_ms", 20_000),  # K4
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),  # K5
    ("grpc.enable_retries", 0),
    ("grpc.use_local_subchannel_pool", 1),  # a connection of its own for each channel (K14)
]
DEADLINE_S = 10  # of everything but the watch (K3)
FIRST_DELAY_S, LAST_DELAY_S, HEALTHY_S = 0.1, 10, 10
HOPELESS = {"INVALID_ARGUMENT", "PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED"}


def say(seen, message=None):
    facts = {} if message is None else MessageToDict(message)
    print(json.dumps({"seen": seen, "message": facts}), flush=True)


def status_of(error):
    status = rpc_status.from_call(error)
    return status or Status(code=error.code().value[0], message=error.details())


def reason_of(error):
    """What to branch on, and the retry delay in seconds. The text of an error is for people (K7)."""
    info, retry = ErrorInfo(), RetryInfo()
    for detail in status_of(error).details:
        detail.Unpack(info) or detail.Unpack(retry)
    return info.reason, retry.retry_delay.ToTimedelta().total_seconds()


def open_channel(args):
    if not args.tls_ca:
        return grpc.aio.insecure_channel(args.target, CHANNEL_OPTIONS)
    secure = grpc.ssl_channel_credentials(Path(args.tls_ca).read_bytes())
    return grpc.aio.secure_channel(args.target, secure, CHANNEL_OPTIONS)


def metadata_of(args):
    return [("authorization", f"Bearer {args.token}")] if args.token else []


class Known:
    """What a watch has told: servers by id, and the token of exactly this state."""

    def __init__(self):
        self.servers, self.token = {}, ""

    def apply(self, step, events, token):
        """Makes a new dict and takes it when it is complete: nobody sees half of a step (K8)."""
        after = {} if step == "snapshot" else dict(self.servers)
        for event in events:
            if event.type in (ServerEvent.TYPE_ADDED, ServerEvent.TYPE_MODIFIED):
                after[event.server.id] = event.server
            elif event.type == ServerEvent.TYPE_UNCHANGED:
                after[event.server.id] = self.servers[event.server.id]
            elif event.type == ServerEvent.TYPE_REMOVED:
                after.pop(event.server.id, None)
        self.servers, self.token = after, token
        say(step, ListServersResponse(header=ResponseHeader(token=token), servers=after.values()))

    def held(self):
        return [HeldServer(id=each.id, etag=each.etag, access_etag=each.access_etag,
                           facts_etag=each.facts_etag)
                for each in self.servers.values()]


async def follow(known, args, request):
    """Reads one stream to its end, over a connection of its own (K14)."""
    silence_s = 2 * args.heartbeat + 1
    gathered, synced = [], "resumed" if known.token else "snapshot"
    async with open_channel(args) as channel:
        call = RegistryServiceStub(channel).WatchServers(request, metadata=metadata_of(args))
        while (message := await asyncio.wait_for(call.read(), silence_s)) is not grpc.aio.EOF:
            kind = message.WhichOneof("message")
            if kind == "event":
                gathered.append(message.event)
            elif kind == "reset":  # what was known stays until `synced` (K11)
                gathered, synced = [], "snapshot"
                say("reset", message.reset)
            elif kind == "synced":
                known.apply(synced, gathered, message.synced.token)
                gathered = []
            elif kind == "heartbeat":
                say("heartbeat", message.heartbeat)  # with what K16 is about
                if message.heartbeat.token and not gathered:
                    known.token = message.heartbeat.token  # K10
            if kind == "commit" or message.HasField("closes"):  # either ends a commit (K8)
                known.apply("commit", gathered, (message.commit if kind == "commit" else message.closes).token)
                gathered = []


async def watch(args):
    """Follows through as many streams as it takes, until it is cancelled."""
    known, failures = Known(), 0
    request = Parse(args.request, WatchServersRequest())
    while True:
        opened_at, retry_after_s = time.monotonic(), 0.0
        del request.held[:]
        request.held.extend(known.held())
        request.resume_token = known.token
        say("opening", request)
        try:
            await follow(known, args, request)
            lost = Status(code=Code.UNKNOWN, message="the stream ended")
        except asyncio.TimeoutError:
            lost = Status(code=Code.DEADLINE_EXCEEDED, message="silent for two heartbeats")
        except grpc.aio.AioRpcError as error:
            lost, (reason, retry_after_s) = status_of(error), reason_of(error)
            if reason == "TOKEN_INVALID" and known.token:
                known.token = ""  # K13
            elif error.code().name in HOPELESS:
                raise
        say("lost", lost)
        if time.monotonic() - opened_at > HEALTHY_S:
            failures = 0
        delay_s = min(FIRST_DELAY_S * 2 ** min(failures, 20), LAST_DELAY_S)  # K15
        failures += 1
        await asyncio.sleep(retry_after_s + delay_s * random.uniform(0.5, 1))


async def get(args):
    request = Parse(args.request, GetServerRequest())
    async with open_channel(args) as channel:
        stub = RegistryServiceStub(channel)
        say("answer", await stub.GetServer(request, metadata=metadata_of(args), timeout=DEADLINE_S))


async def check(args):
    request = Parse(args.request, CheckConnectionsRequest())
    async with open_channel(args) as channel:
        stub = ConnectionServiceStub(channel)
        say("answer", await stub.CheckConnections(request, metadata=metadata_of(args), timeout=DEADLINE_S))


COMMANDS = {"watch": watch, "get": get, "check": check}


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--target", default="127.0.0.1:7070", help="address of the control plane")
    parser.add_argument("--token", default="", help="bearer token")
    parser.add_argument("--tls-ca", default="", help="use TLS, and trust the authorities in this file")
    parser.add_argument("--heartbeat", type=float, default=10, help="interval of the server, in seconds")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("request", help="as proto JSON")
    args, task = parser.parse_args(), asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await COMMANDS[args.command](args)
    except asyncio.CancelledError:  # on its way here it cancelled the stream and closed the channel (K17)
        say("stopped")
    except grpc.aio.AioRpcError as error:
        say("error", status_of(error))
        sys.exit(1)


asyncio.run(main())
