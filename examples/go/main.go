// A client of Switchboard in Go. Takes requests as proto JSON, and prints what it sees as lines of JSON:
//
//	client [flags] watch WATCH_SERVERS_REQUEST      a view, then every change, until SIGINT or SIGTERM
//	client [flags] get   GET_SERVER_REQUEST         one server
//	client [flags] check CHECK_CONNECTIONS_REQUEST  whether connections that are held are up to date
//
// The K numbers are the rules of docs/clients.md.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	pb "github.com/switchboard-mcp/switchboard/examples/go/gen/switchboard/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

var (
	target    = flag.String("target", "127.0.0.1:7070", "address of the control plane")
	token     = flag.String("token", "", "bearer token")
	tlsCA     = flag.String("tls-ca", "", "use TLS, and trust the authorities in this `file`")
	heartbeat = flag.Float64("heartbeat", 10, "heartbeat interval of the server, in `seconds`")
	hopeless  = []codes.Code{codes.InvalidArgument, codes.PermissionDenied, codes.Unauthenticated, codes.Unimplemented}
)

func say(seen string, message proto.Message) {
	text, _ := protojson.Marshal(message)
	fmt.Printf("{\"seen\": %q, \"message\": %s}\n", seen, text)
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func parsed[M proto.Message](request M) M {
	return must(request, protojson.Unmarshal([]byte(flag.Arg(1)), request))
}

func connect() *grpc.ClientConn {
	secure := insecure.NewCredentials()
	if *tlsCA != "" {
		secure = must(credentials.NewClientTLSFromFile(*tlsCA, ""))
	}
	pings := keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second, PermitWithoutStream: true} // K4
	return must(grpc.NewClient(*target, grpc.WithTransportCredentials(secure), grpc.WithKeepaliveParams(pings),
		grpc.WithDisableRetry(), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(16<<20)))) // K5
}

func reasonOf(err error) (reason string, retryAfter time.Duration) {
	for _, detail := range status.Convert(err).Details() { // the text is for people (K7)
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			reason = info.GetReason()
		} else if retry, ok := detail.(*errdetails.RetryInfo); ok {
			retryAfter = retry.GetRetryDelay().AsDuration()
		}
	}
	return reason, retryAfter
}

// known is what a watch has told: servers by id, the token of exactly this state, and events of the next one.
type known struct {
	servers  map[string]*pb.Server
	token    string
	gathered []*pb.ServerEvent
}

// apply makes a new map and takes it when it is complete: nobody sees half of a step (K8).
func (k *known) apply(step string, token string) {
	after := map[string]*pb.Server{}
	if step != "snapshot" {
		maps.Copy(after, k.servers)
	}
	for _, event := range k.gathered {
		switch event.GetType() {
		case pb.ServerEvent_TYPE_ADDED, pb.ServerEvent_TYPE_MODIFIED:
			after[event.GetServer().GetId()] = event.GetServer()
		case pb.ServerEvent_TYPE_UNCHANGED:
			after[event.GetServer().GetId()] = k.servers[event.GetServer().GetId()]
		case pb.ServerEvent_TYPE_REMOVED:
			delete(after, event.GetServer().GetId())
		}
	}
	k.servers, k.token, k.gathered = after, token, nil
	say(step, &pb.ListServersResponse{Header: &pb.ResponseHeader{Token: token}, Servers: slices.Collect(maps.Values(after))})
}

// follow reads one stream to its end, over a connection of its own (K14).
func (k *known) follow(ctx context.Context, request *pb.WatchServersRequest) error {
	conn := connect()
	defer conn.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.Duration((2**heartbeat + 1) * float64(time.Second))
	watchdog := time.AfterFunc(silence, func() { cancel(status.Error(codes.DeadlineExceeded, "silent for two heartbeats")) })
	defer watchdog.Stop()
	request.ResumeToken, request.Held, k.gathered = k.token, nil, nil
	for _, s := range k.servers {
		request.Held = append(request.Held, &pb.HeldServer{Id: s.GetId(), Etag: s.GetEtag(), AccessEtag: s.GetAccessEtag(), FactsEtag: s.GetFactsEtag()})
	}
	say("opening", request)
	stream, err := pb.NewRegistryServiceClient(conn).WatchServers(ctx, request)
	synced := "resumed"
	if k.token == "" {
		synced = "snapshot"
	}
	for received := (*pb.WatchServersResponse)(nil); err == nil; received, err = stream.Recv() {
		watchdog.Reset(silence)
		switch message := received.GetMessage().(type) {
		case *pb.WatchServersResponse_Event:
			k.gathered = append(k.gathered, message.Event)
		case *pb.WatchServersResponse_Reset_: // what was known stays until `synced` (K11)
			k.gathered, synced = nil, "snapshot"
			say("reset", message.Reset_)
		case *pb.WatchServersResponse_Synced:
			k.apply(synced, message.Synced.GetToken())
		case *pb.WatchServersResponse_Heartbeat:
			say("heartbeat", message.Heartbeat) // with what K16 is about
			if next := message.Heartbeat.GetToken(); next != "" && len(k.gathered) == 0 {
				k.token = next // K10
			}
		}
		if end := cmp.Or(received.GetCloses(), received.GetCommit()); end != nil { // either ends a commit (K8)
			k.apply("commit", end.GetToken())
		}
	}
	return cmp.Or(context.Cause(ctx), err)
}

// watch follows through as many streams as it takes, until ctx is done.
func watch(ctx context.Context, request *pb.WatchServersRequest) error {
	for k, failures := (&known{}), 0; ; failures++ {
		opened := time.Now()
		err := k.follow(ctx, request)
		reason, retryAfter := reasonOf(err)
		if reason == "TOKEN_INVALID" && k.token != "" {
			k.token = "" // K13
		} else if ctx.Err() != nil || slices.Contains(hopeless, status.Code(err)) {
			return err
		}
		say("lost", status.Convert(err).Proto())
		if time.Since(opened) > 10*time.Second {
			failures = 0
		}
		delay := min(100*time.Millisecond<<min(failures, 20), 10*time.Second) // K15
		pause, done := context.WithTimeout(ctx, retryAfter+delay/2+rand.N(delay/2))
		<-pause.Done()
		done()
	}
}

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if *token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+*token)
	}
	soon, cancel := context.WithTimeout(ctx, 10*time.Second) // K3
	defer cancel()
	answer, err := proto.Message(nil), error(nil)
	switch conn := connect(); flag.Arg(0) {
	case "watch":
		err = watch(ctx, parsed(&pb.WatchServersRequest{}))
	case "get":
		answer, err = pb.NewRegistryServiceClient(conn).GetServer(soon, parsed(&pb.GetServerRequest{}))
	default: // "check"
		answer, err = pb.NewConnectionServiceClient(conn).CheckConnections(soon, parsed(&pb.CheckConnectionsRequest{}))
	}
	if ctx.Err() != nil { // the stream was cancelled on the way (K17)
		say("stopped", nil)
	} else if err != nil {
		say("error", status.Convert(err).Proto())
		os.Exit(1)
	} else {
		say("answer", answer)
	}
}
