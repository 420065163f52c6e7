//! Lists agents, lets one post, watches what they do, and searches what they remember: see ../README.md.

mod refusal;

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use agents::agent_service_client::AgentServiceClient;
use agents::{ListAgentsRequest, TriggerPostRequest, WatchActivityRequest};
use memory::SearchMemoriesRequest;
use memory::memory_service_client::MemoryServiceClient;

#[allow(clippy::all)]
mod agents {
    tonic::include_proto!("puppet.agents.v1");
}

#[allow(clippy::all)]
mod memory {
    tonic::include_proto!("puppet.memory.v1");
}

const POST_DEADLINE: Duration = Duration::from_secs(60);
const USAGE: &str = "list | post AGENT REQUEST_ID TOPIC | watch AGENT CURSOR COUNT | search AGENT QUERY";

type Failure = Box<dyn std::error::Error>;
type Agents = AgentServiceClient<InterceptedService<Channel, Showing>>;
type Memory = MemoryServiceClient<InterceptedService<Channel, Showing>>;

/// Shows a service its token with each call.
#[derive(Clone)]
struct Showing(MetadataValue<Ascii>);

impl Interceptor for Showing {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

fn setting(name: &str) -> Result<String, Failure> {
    env::var(name).map_err(|_| format!("{name} is not set").into())
}

/// Opens a channel, which connects when it is first used, and the token for it.
fn channel(service: &str) -> Result<(Channel, Showing), Failure> {
    let target = setting(&format!("{service}_TARGET"))?;
    let token = format!("Bearer {}", setting(&format!("{service}_TOKEN"))?).parse()?;
    Ok((Endpoint::from_shared(format!("http://{target}"))?.connect_lazy(), Showing(token)))
}

async fn list(mut client: Agents) -> Result<(), Failure> {
    let mut request = ListAgentsRequest { page_size: 2, ..Default::default() };
    loop {
        let page = client.list_agents(request.clone()).await?.into_inner();
        for agent in page.agents {
            println!("{}", json!({"id": agent.id, "name": agent.name, "is_active": agent.is_active}));
        }
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}

/// Makes an agent post. The same request id never posts twice, so it is safe to call again after any error.
async fn post(mut client: Agents, agent: &str, request_id: &str, topic: &str) -> Result<(), Failure> {
    let mut request = Request::new(TriggerPostRequest {
        agent_id: agent.into(),
        request_id: request_id.into(),
        topic: topic.into(),
    });
    request.set_timeout(POST_DEADLINE);
    let answer = client.trigger_post(request).await?.into_inner();
    let (kind, summary) = match answer.activity {
        Some(activity) => (activity.kind().as_str_name(), activity.summary),
        None => ("", String::new()),
    };
    println!("{}", json!({"workflow_id": answer.workflow_id, "kind": kind, "summary": summary}));
    Ok(())
}

/// Shows what an agent does after a cursor, and goes on where it was whenever the service was away.
async fn watch(mut client: Agents, agent: &str, mut cursor: String, mut count: u32) -> Result<(), Failure> {
    while count > 0 {
        if let Err(status) = follow(&mut client, agent, &mut cursor, &mut count).await {
            // A connection that ends within a stream is Unknown to tonic.
            if !matches!(status.code(), Code::Unavailable | Code::Cancelled | Code::Internal | Code::Unknown) {
                return Err(status.into());
            }
            let pause = refusal::retry_after(&status).unwrap_or(Duration::from_millis(500));
            tokio::time::sleep(pause).await;
        }
    }
    Ok(())
}

/// Reads one stream until enough was seen, or it breaks, and moves the cursor on.
async fn follow(client: &mut Agents, agent: &str, cursor: &mut String, count: &mut u32) -> Result<(), Status> {
    let request = WatchActivityRequest { agent_ids: vec![agent.into()], after_cursor: cursor.clone() };
    let mut stream = client.watch_activity(request).await?.into_inner();
    while *count > 0 {
        let Some(item) = stream.message().await? else { return Ok(()) };
        *cursor = item.cursor;
        // A heartbeat has a cursor alone.
        if let Some(activity) = item.activity {
            let kind = activity.kind().as_str_name();
            println!("{}", json!({"cursor": cursor, "kind": kind, "summary": activity.summary}));
            *count -= 1;
        }
    }
    Ok(())
}

async fn search(mut client: Memory, agent: &str, query: &str) -> Result<(), Failure> {
    let request = SearchMemoriesRequest {
        agent_id: agent.into(),
        query: query.into(),
        max_results: 3,
        ..Default::default()
    };
    for hit in client.search_memories(request).await?.into_inner().hits {
        let text = hit.memory.map(|memory| memory.text);
        println!("{}", json!({"text": text, "relevance": hit.relevance}));
    }
    Ok(())
}

async fn run(arguments: &[&str]) -> Result<(), Failure> {
    let (channel_to_agents, agents_token) = channel("AGENTS")?;
    let (channel_to_memory, memory_token) = channel("MEMORY")?;
    let agents = AgentServiceClient::with_interceptor(channel_to_agents, agents_token);
    let memory = MemoryServiceClient::with_interceptor(channel_to_memory, memory_token);
    match arguments {
        ["list"] => list(agents).await,
        ["post", agent, request_id, topic] => post(agents, agent, request_id, topic).await,
        ["watch", agent, cursor, count] => watch(agents, agent, cursor.to_string(), count.parse()?).await,
        ["search", agent, query] => search(memory, agent, query).await,
        _ => Err(USAGE.into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => match failure.downcast::<Status>() {
            Ok(status) => {
                println!("{}", refusal::read(&status));
                ExitCode::from(1)
            }
            Err(failure) => {
                eprintln!("{failure}");
                ExitCode::from(2)
            }
        },
    }
}
