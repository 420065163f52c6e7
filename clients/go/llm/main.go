// Command llm is an LlmService of one's own: a few words and one form of sentence, in place of a model.
//
// It has what agents need, as `python -m conformance --service llm` says, and lets anybody in: for loopback alone.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	llmv1 "puppetengine.dev/clients/gen/puppet/llm/v1"
)

const (
	provider = "mine"
	model    = "sentences"
	// Agents ping every 30 seconds while they wait for words; by itself grpc-go ends a connection that does.
	shortestPing = 10 * time.Second
)

type service struct {
	llmv1.UnimplementedLlmServiceServer
}

func (service) GetProvider(_ context.Context, request *llmv1.GetProviderRequest) (*llmv1.GetProviderResponse, error) {
	if err := known(request.GetName()); err != nil {
		return nil, err
	}
	return &llmv1.GetProviderResponse{Provider: &llmv1.Provider{Name: provider, BackgroundShown: true}}, nil
}

func (service) Generate(_ context.Context, request *llmv1.GenerateRequest) (*llmv1.GenerateResponse, error) {
	if err := known(request.GetProvider()); err != nil {
		return nil, err
	}
	prompt := request.GetPrompt()
	if strings.TrimSpace(prompt.GetInput()) == "" {
		return nil, invalid("prompt.input", "is required")
	}
	seed := uint64(request.GetSampling().GetSeed())
	answer := &llmv1.GenerateResponse{Provider: provider, Model: model, BackgroundShown: true, Usage: &llmv1.Usage{}}
	for number := range max(1, request.GetCandidateCount()) {
		text := write(prompt, rand.New(rand.NewPCG(seed, uint64(number))))
		answer.Candidates = append(answer.Candidates, &llmv1.Candidate{
			Text: text, FinishReason: llmv1.FinishReason_FINISH_REASON_STOP,
		})
		answer.Usage.CompletionTokens += int64(len(strings.Fields(text)))
	}
	return answer, nil
}

var (
	things = []string{"harbour", "lantern", "ladder", "kettle", "orchard", "pigeon", "bridge", "candle", "cellar", "ferry"}
	verbs  = []string{"waits for", "leans on", "remembers", "looks past", "keeps", "argues with"}
	ends   = []string{"before breakfast", "under the stairs", "behind the mill", "in late autumn", "at low tide"}
)

// write draws a sentence. What it is asked about stands in it if that is a topic, and not what somebody else said.
func write(prompt *llmv1.Prompt, random *rand.Rand) string {
	sentence := fmt.Sprintf("the %s %s a %s %s.", draw(random, things), draw(random, verbs), draw(random, things), draw(random, ends))
	if prompt.GetInputLabel() == "topic" {
		return fmt.Sprintf("About %s: %s", prompt.GetInput(), sentence)
	}
	return strings.ToUpper(sentence[:1]) + sentence[1:]
}

func draw(random *rand.Rand, words []string) string { return words[random.IntN(len(words))] }

func known(name string) error {
	if name == "" || name == provider {
		return nil
	}
	return refused(codes.NotFound, "PROVIDER_NOT_FOUND", fmt.Sprintf("no provider %q", name))
}

func invalid(field, rule string) error {
	violation := &errdetails.BadRequest_FieldViolation{Field: field, Description: rule}
	bad := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{violation}}
	return refused(codes.InvalidArgument, "INVALID_REQUEST", field+" "+rule, bad)
}

// refused says why, so that agents know what to do about it: they go by the reason, and never by the words.
func refused(code codes.Code, reason, message string, more ...protoadapt.MessageV1) error {
	info := &errdetails.ErrorInfo{Reason: reason, Domain: "llm.puppet"}
	told, err := status.New(code, message).WithDetails(append([]protoadapt.MessageV1{info}, more...)...)
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	return told.Err()
}

func main() {
	address := flag.String("address", "127.0.0.1:50053", "where to listen")
	flag.Parse()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	pings := keepalive.EnforcementPolicy{MinTime: shortestPing, PermitWithoutStream: true}
	server := grpc.NewServer(grpc.KeepaliveEnforcementPolicy(pings))
	llmv1.RegisterLlmServiceServer(server, service{})
	checks := health.NewServer()
	checks.SetServingStatus(llmv1.LlmService_ServiceDesc.ServiceName, healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(server, checks)
	reflection.Register(server)
	fmt.Println(listener.Addr())
	log.Fatal(server.Serve(listener))
}
