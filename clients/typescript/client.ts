/** Lists agents, lets one post, watches what they do, and searches what they remember: see ../README.md. */
import { setTimeout as sleep } from "node:timers/promises";
import { credentials, InterceptingCall, Metadata, status, type Interceptor, type ServiceError } from "@grpc/grpc-js";
import { activityKindToJSON } from "./gen/puppet/agents/v1/activity.js";
import {
  AgentServiceClient,
  type ListAgentsResponse,
  type TriggerPostResponse,
  type WatchActivityResponse,
} from "./gen/puppet/agents/v1/agent_service.js";
import { MemoryServiceClient, SearchMemoriesRequest, type SearchMemoriesResponse } from "./gen/puppet/memory/v1/memory_service.js";
import { refusalOf } from "./refusal.js";

const POST_SECONDS = 60;
const BROKEN = new Set([status.UNAVAILABLE, status.CANCELLED, status.INTERNAL]);

/** Shows a service its token with each call. */
function showing(token: string): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, listener, next) => {
        metadata.set("authorization", `Bearer ${token}`);
        next(metadata, listener);
      },
    });
}

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

function options(service: string) {
  return { interceptors: [showing(setting(`${service}_TOKEN`))] };
}

const plain = credentials.createInsecure();
const agents = new AgentServiceClient(setting("AGENTS_TARGET"), plain, options("AGENTS"));
const memory = new MemoryServiceClient(setting("MEMORY_TARGET"), plain, options("MEMORY"));

function show(line: object): void {
  console.log(JSON.stringify(line));
}

/** Turns a call that calls back into a promise. */
function answered<T>(call: (done: (error: ServiceError | null, answer: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => call((error, answer) => (error ? reject(error) : resolve(answer))));
}

async function list(): Promise<void> {
  let pageToken = "";
  do {
    const page = await answered<ListAgentsResponse>((done) =>
      agents.listAgents({ pageSize: 2, pageToken }, done),
    );
    for (const { id, name, isActive } of page.agents) show({ id, name, is_active: isActive });
    pageToken = page.nextPageToken;
  } while (pageToken);
}

/** Makes an agent post. The same request id never posts twice, so it is safe to call again after any error. */
async function post(agentId: string, requestId: string, topic: string): Promise<void> {
  const deadline = Date.now() + POST_SECONDS * 1000;
  const answer = await answered<TriggerPostResponse>((done) =>
    agents.triggerPost({ agentId, requestId, topic }, new Metadata(), { deadline }, done),
  );
  const { activity } = answer;
  show({
    workflow_id: answer.workflowId,
    kind: activity ? activityKindToJSON(activity.kind) : "",
    summary: activity?.summary ?? "",
  });
}

/** Shows what an agent does, after a cursor, and goes on where it was whenever the service was away. */
async function watch(agentId: string, cursor: string, count: number): Promise<void> {
  while (count > 0) {
    const stream = agents.watchActivity({ agentIds: [agentId], afterCursor: cursor });
    try {
      for await (const { activity, cursor: reached } of stream as AsyncIterable<WatchActivityResponse>) {
        cursor = reached;
        // A heartbeat has a cursor alone.
        if (!activity) continue;
        show({ cursor, kind: activityKindToJSON(activity.kind), summary: activity.summary });
        if (--count === 0) break;
      }
    } catch (error) {
      if (!BROKEN.has((error as ServiceError).code)) throw error;
      await sleep(1000 * (refusalOf(error as ServiceError).retry_after || 0.5));
    } finally {
      stream.cancel();
    }
  }
}

async function search(agentId: string, query: string): Promise<void> {
  const answer = await answered<SearchMemoriesResponse>((done) =>
    memory.searchMemories(SearchMemoriesRequest.create({ agentId, query, maxResults: 3 }), done),
  );
  for (const { memory: found, relevance } of answer.hits) show({ text: found?.text, relevance });
}

const [command, ...rest] = process.argv.slice(2);
const [first = "", second = "", third = ""] = rest;
try {
  switch (command) {
    case "list":
      await list();
      break;
    case "post":
      await post(first, second, third);
      break;
    case "watch":
      await watch(first, second, Number(third));
      break;
    case "search":
      await search(first, second);
      break;
    default:
      throw new Error("list | post AGENT REQUEST_ID TOPIC | watch AGENT CURSOR COUNT | search AGENT QUERY");
  }
} catch (error) {
  if (!(error instanceof Error && "code" in error && "metadata" in error)) throw error;
  show(refusalOf(error as ServiceError));
  process.exitCode = 1;
} finally {
  agents.close();
  memory.close();
}
