package dev.puppetengine.clients;

import com.google.gson.Gson;
import dev.puppetengine.agents.v1.Activity;
import dev.puppetengine.agents.v1.AgentServiceGrpc;
import dev.puppetengine.agents.v1.AgentServiceGrpc.AgentServiceBlockingStub;
import dev.puppetengine.agents.v1.ListAgentsRequest;
import dev.puppetengine.agents.v1.TriggerPostRequest;
import dev.puppetengine.agents.v1.WatchActivityRequest;
import dev.puppetengine.agents.v1.WatchActivityResponse;
import dev.puppetengine.memory.v1.MemoryServiceGrpc;
import dev.puppetengine.memory.v1.MemoryServiceGrpc.MemoryServiceBlockingStub;
import dev.puppetengine.memory.v1.SearchMemoriesRequest;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** Lists agents, lets one post, watches what they do, and searches what they remember: see ../README.md. */
public final class Client {
  private static final int POST_SECONDS = 60;
  private static final Set<Status.Code> BROKEN =
      EnumSet.of(Status.Code.UNAVAILABLE, Status.Code.CANCELLED, Status.Code.INTERNAL);
  private static final String USAGE =
      "list | post AGENT REQUEST_ID TOPIC | watch AGENT CURSOR COUNT | search AGENT QUERY";

  private final AgentServiceBlockingStub agents;
  private final MemoryServiceBlockingStub memory;

  private Client(ManagedChannel toAgents, ManagedChannel toMemory) {
    agents = AgentServiceGrpc.newBlockingStub(toAgents).withInterceptors(showing("AGENTS"));
    memory = MemoryServiceGrpc.newBlockingStub(toMemory).withInterceptors(showing("MEMORY"));
  }

  /** Shows a service its token with each call. */
  private static io.grpc.ClientInterceptor showing(String service) {
    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + setting(service + "_TOKEN"));
    return MetadataUtils.newAttachHeadersInterceptor(headers);
  }

  private static ManagedChannel channel(String service) {
    return Grpc.newChannelBuilder(setting(service + "_TARGET"), InsecureChannelCredentials.create()).build();
  }

  private static String setting(String name) {
    String value = System.getenv(name);
    if (value == null || value.isEmpty()) {
      throw new IllegalArgumentException(name + " is not set");
    }
    return value;
  }

  private static void show(Object... pairs) {
    Map<String, Object> line = new LinkedHashMap<>();
    for (int at = 0; at < pairs.length; at += 2) {
      line.put((String) pairs[at], pairs[at + 1]);
    }
    System.out.println(new Gson().toJson(line));
  }

  private void list() {
    String pageToken = "";
    do {
      var page = agents.listAgents(ListAgentsRequest.newBuilder().setPageSize(2).setPageToken(pageToken).build());
      page.getAgentsList()
          .forEach(agent -> show("id", agent.getId(), "name", agent.getName(), "is_active", agent.getIsActive()));
      pageToken = page.getNextPageToken();
    } while (!pageToken.isEmpty());
  }

  /** Makes an agent post. The same request id never posts twice, so it is safe to call again after any error. */
  private void post(String agent, String requestId, String topic) {
    var request =
        TriggerPostRequest.newBuilder().setAgentId(agent).setRequestId(requestId).setTopic(topic).build();
    var answer = agents.withDeadlineAfter(POST_SECONDS, TimeUnit.SECONDS).triggerPost(request);
    Activity activity = answer.getActivity();
    show(
        "workflow_id", answer.getWorkflowId(),
        "kind", answer.hasActivity() ? activity.getKind().name() : "",
        "summary", activity.getSummary());
  }

  /** Shows what an agent does after a cursor, and goes on where it was whenever the service was away. */
  private void watch(String agent, String cursor, int count) throws InterruptedException {
    while (count > 0) {
      var request = WatchActivityRequest.newBuilder().addAgentIds(agent).setAfterCursor(cursor).build();
      // Cancelled with its context: a stream of which nobody reads the rest would else stay open.
      Context.CancellableContext context = Context.current().withCancellation();
      Context before = context.attach();
      try {
        Iterator<WatchActivityResponse> stream = agents.watchActivity(request);
        while (count > 0 && stream.hasNext()) {
          WatchActivityResponse item = stream.next();
          cursor = item.getCursor();
          // A heartbeat has a cursor alone.
          if (item.hasActivity()) {
            Activity activity = item.getActivity();
            show("cursor", cursor, "kind", activity.getKind().name(), "summary", activity.getSummary());
            count--;
          }
        }
      } catch (StatusRuntimeException error) {
        if (!BROKEN.contains(error.getStatus().getCode())) {
          throw error;
        }
        double pause = Refusal.of(error).retryAfter();
        Thread.sleep((long) (1000 * (pause > 0 ? pause : 0.5)));
      } finally {
        context.detach(before);
        context.cancel(null);
      }
    }
  }

  private void search(String agent, String query) {
    var request = SearchMemoriesRequest.newBuilder().setAgentId(agent).setQuery(query).setMaxResults(3).build();
    memory
        .searchMemories(request)
        .getHitsList()
        .forEach(hit -> show("text", hit.getMemory().getText(), "relevance", hit.getRelevance()));
  }

  private void run(String[] arguments) throws InterruptedException {
    switch (String.join(" ", arguments.length > 0 ? arguments[0] : "", String.valueOf(arguments.length))) {
      case "list 1" -> list();
      case "post 4" -> post(arguments[1], arguments[2], arguments[3]);
      case "watch 4" -> watch(arguments[1], arguments[2], Integer.parseInt(arguments[3]));
      case "search 3" -> search(arguments[1], arguments[2]);
      default -> throw new IllegalArgumentException(USAGE);
    }
  }

  /** Does what its arguments say; ends with 1 when a service refuses it. */
  public static void main(String[] arguments) throws InterruptedException {
    ManagedChannel toAgents = channel("AGENTS");
    ManagedChannel toMemory = channel("MEMORY");
    try {
      new Client(toAgents, toMemory).run(arguments);
    } catch (StatusRuntimeException error) {
      Refusal refusal = Refusal.of(error);
      show(
          "code", refusal.code(),
          "reason", refusal.reason(),
          "domain", refusal.domain(),
          "fields", refusal.fields(),
          "retry_after", refusal.retryAfter());
      System.exit(1);
    } finally {
      toAgents.shutdownNow();
      toMemory.shutdownNow();
    }
  }
}
