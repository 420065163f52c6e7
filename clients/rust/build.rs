//! Generates the clients of the agents and memory services.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let protos = "../../protos";
    let services = ["agents/v1/agent_service.proto", "memory/v1/memory_service.proto"];
    let files = services.map(|service| format!("{protos}/puppet/{service}"));
    tonic_prost_build::configure()
        .build_server(false)
        .compile_protos(&files, &[protos.to_string()])?;
    Ok(())
}
