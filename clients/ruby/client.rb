# frozen_string_literal: true

# Lists agents, lets one post, watches what they do, and searches what they remember: see ../README.md.

require 'json'
require 'grpc'
require 'google/protobuf/well_known_types'
require 'google/rpc/error_details_pb'
require 'google/rpc/status_pb'

$LOAD_PATH.unshift(File.join(__dir__, 'gen'))
require 'puppet/agents/v1/agent_service_services_pb'
require 'puppet/memory/v1/memory_service_services_pb'

Agents = Puppet::Agents::V1
Memory = Puppet::Memory::V1

# Why a call was refused, as the details of its status say (AIP-193).
module Refusal
  # By their names as other languages have them.
  CODES = GRPC::Core::StatusCodes.constants.to_h { |name| [GRPC::Core::StatusCodes.const_get(name), name.to_s] }

  def self.of(error)
    told = { code: CODES[error.code], reason: '', domain: '', fields: {}, retry_after: 0 }
    details(error).each do |detail|
      case detail
      when Google::Rpc::ErrorInfo then told.update(reason: detail.reason, domain: detail.domain)
      when Google::Rpc::BadRequest then detail.field_violations.each { |one| told[:fields][one.field] = one.description }
      when Google::Rpc::RetryInfo then told[:retry_after] = detail.retry_delay.seconds + (detail.retry_delay.nanos / 1e9)
      end
    end
    told
  end

  def self.details(error)
    packed = error.metadata['grpc-status-details-bin']
    return [] unless packed

    known = [Google::Rpc::ErrorInfo, Google::Rpc::BadRequest, Google::Rpc::RetryInfo]
    Google::Rpc::Status.decode(packed).details.filter_map do |any|
      known.find { |type| any.is(type) }&.then { |type| any.unpack(type) }
    end
  end
end

# The two services that the commands call.
class Client
  POST_SECONDS = 60
  BROKEN = [GRPC::Unavailable, GRPC::Cancelled, GRPC::Internal].freeze

  def initialize
    @agents = stub(Agents::AgentService::Stub, 'AGENTS')
    @memory = stub(Memory::MemoryService::Stub, 'MEMORY')
    # Not by an interceptor: what one adds isn't sent with a call that is to be cancelled (`return_op`).
    @to_agents = token('AGENTS')
    @to_memory = token('MEMORY')
  end

  def list
    token = ''
    loop do
      request = Agents::ListAgentsRequest.new(page_size: 2, page_token: token)
      page = @agents.list_agents(request, metadata: @to_agents)
      page.agents.each { |agent| show(id: agent.id, name: agent.name, is_active: agent.is_active) }
      token = page.next_page_token
      break if token.empty?
    end
  end

  # Makes an agent post. The same request id never posts twice, so it is safe to call again after any error.
  def post(agent, request_id, topic)
    request = Agents::TriggerPostRequest.new(agent_id: agent, request_id: request_id, topic: topic)
    answer = @agents.trigger_post(request, deadline: Time.now + POST_SECONDS, metadata: @to_agents)
    activity = answer.activity
    show(workflow_id: answer.workflow_id, kind: activity&.kind.to_s, summary: activity&.summary.to_s)
  end

  # Shows what an agent does after a cursor, and goes on where it was whenever the service was away.
  def watch(agent, cursor, count)
    left = Integer(count)
    while left.positive?
      begin
        request = Agents::WatchActivityRequest.new(agent_ids: [agent], after_cursor: cursor)
        call = @agents.watch_activity(request, return_op: true, metadata: @to_agents)
        call.execute.each do |item|
          cursor = item.cursor
          # A heartbeat has a cursor alone.
          next unless item.activity

          show(cursor: cursor, kind: item.activity.kind.to_s, summary: item.activity.summary)
          left -= 1
          break if left.zero?
        end
      rescue *BROKEN => e
        pause = Refusal.of(e)[:retry_after]
        sleep(pause.positive? ? pause : 0.5)
      ensure
        call&.cancel
      end
    end
  end

  def search(agent, query)
    request = Memory::SearchMemoriesRequest.new(agent_id: agent, query: query, max_results: 3)
    @memory.search_memories(request, metadata: @to_memory).hits.each { |hit| show(text: hit.memory.text, relevance: hit.relevance) }
  end

  private

  def stub(type, service)
    type.new(ENV.fetch("#{service}_TARGET"), :this_channel_is_insecure)
  end

  # Shows a service its token.
  def token(service)
    { 'authorization' => "Bearer #{ENV.fetch("#{service}_TOKEN")}" }
  end

  def show(line)
    puts JSON.generate(line)
    $stdout.flush
  end
end

command, *arguments = ARGV
unless %w[list post watch search].include?(command)
  abort 'list | post AGENT REQUEST_ID TOPIC | watch AGENT CURSOR COUNT | search AGENT QUERY'
end
begin
  Client.new.public_send(command, *arguments)
rescue GRPC::BadStatus => e
  puts JSON.generate(Refusal.of(e))
  exit 1
end
