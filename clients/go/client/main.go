// Command client lists agents, lets one post, watches what they do, and searches what they remember: see ../../README.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	agentsv1 "puppetengine.dev/clients/gen/puppet/agents/v1"
	memoryv1 "puppetengine.dev/clients/gen/puppet/memory/v1"
)

const postDeadline = 60 * time.Second

// token is shown to a service with each call.
type token string

func (t token) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(t)}, nil
}

// RequireTransportSecurity is false, since the suite speaks plaintext on loopback.
func (token) RequireTransportSecurity() bool { return false }

func setting(name string) string {
	value := os.Getenv(name)
	if value == "" {
		log.Fatalf("%s is not set", name)
	}
	return value
}

func dial(service string) *grpc.ClientConn {
	connection, err := grpc.NewClient(
		setting(service+"_TARGET"),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithPerRPCCredentials(token(setting(service+"_TOKEN"))),
	)
	if err != nil {
		log.Fatal(err)
	}
	return connection
}

func show(line any) {
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		log.Fatal(err)
	}
}

func list(ctx context.Context, agents agentsv1.AgentServiceClient) error {
	request := &agentsv1.ListAgentsRequest{PageSize: 2}
	for {
		page, err := agents.ListAgents(ctx, request)
		if err != nil {
			return err
		}
		for _, agent := range page.GetAgents() {
			show(map[string]any{"id": agent.GetId(), "name": agent.GetName(), "is_active": agent.GetIsActive()})
		}
		if page.GetNextPageToken() == "" {
			return nil
		}
		request.PageToken = page.GetNextPageToken()
	}
}

// post makes an agent post. The same request id never posts twice, so it is safe to call again after any error.
func post(ctx context.Context, agents agentsv1.AgentServiceClient, agent, requestID, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, postDeadline)
	defer cancel()
	answer, err := agents.TriggerPost(ctx, &agentsv1.TriggerPostRequest{AgentId: agent, RequestId: requestID, Topic: topic})
	if err != nil {
		return err
	}
	kind := ""
	if activity := answer.GetActivity(); activity != nil {
		kind = activity.GetKind().String()
	}
	show(map[string]any{"workflow_id": answer.GetWorkflowId(), "kind": kind, "summary": answer.GetActivity().GetSummary()})
	return nil
}

// watch shows what an agent does after a cursor, and goes on where it was whenever the service was away.
func watch(ctx context.Context, agents agentsv1.AgentServiceClient, agent, cursor string, count int) error {
	for count > 0 {
		err := follow(ctx, agents, agent, &cursor, &count)
		switch status.Code(err) {
		case codes.OK:
		case codes.Unavailable, codes.Canceled, codes.Internal:
			pause := refusalOf(err).RetryAfter
			if pause == 0 {
				pause = 0.5
			}
			time.Sleep(time.Duration(pause * float64(time.Second)))
		default:
			return err
		}
	}
	return nil
}

// follow reads one stream until enough was seen, or it breaks, and moves the cursor on.
func follow(ctx context.Context, agents agentsv1.AgentServiceClient, agent string, cursor *string, count *int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := agents.WatchActivity(ctx, &agentsv1.WatchActivityRequest{AgentIds: []string{agent}, AfterCursor: *cursor})
	if err != nil {
		return err
	}
	for *count > 0 {
		item, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		*cursor = item.GetCursor()
		// A heartbeat has a cursor alone.
		if activity := item.GetActivity(); activity != nil {
			show(map[string]any{"cursor": *cursor, "kind": activity.GetKind().String(), "summary": activity.GetSummary()})
			*count--
		}
	}
	return nil
}

func search(ctx context.Context, memory memoryv1.MemoryServiceClient, agent, query string) error {
	answer, err := memory.SearchMemories(ctx, &memoryv1.SearchMemoriesRequest{AgentId: agent, Query: query, MaxResults: 3})
	if err != nil {
		return err
	}
	for _, hit := range answer.GetHits() {
		show(map[string]any{"text": hit.GetMemory().GetText(), "relevance": hit.GetRelevance()})
	}
	return nil
}

func run(arguments []string) error {
	ctx := context.Background()
	agents := agentsv1.NewAgentServiceClient(dial("AGENTS"))
	memory := memoryv1.NewMemoryServiceClient(dial("MEMORY"))
	switch {
	case len(arguments) == 1 && arguments[0] == "list":
		return list(ctx, agents)
	case len(arguments) == 4 && arguments[0] == "post":
		return post(ctx, agents, arguments[1], arguments[2], arguments[3])
	case len(arguments) == 4 && arguments[0] == "watch":
		count, err := strconv.Atoi(arguments[3])
		if err != nil {
			return err
		}
		return watch(ctx, agents, arguments[1], arguments[2], count)
	case len(arguments) == 3 && arguments[0] == "search":
		return search(ctx, memory, arguments[1], arguments[2])
	}
	return errors.New("list | post AGENT REQUEST_ID TOPIC | watch AGENT CURSOR COUNT | search AGENT QUERY")
}

func main() {
	err := run(os.Args[1:])
	if err == nil {
		return
	}
	if _, isStatus := status.FromError(err); !isStatus {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	show(refusalOf(err))
	os.Exit(1)
}
