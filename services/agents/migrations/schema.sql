CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE agent (
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	description VARCHAR NOT NULL, 
	is_active BOOLEAN NOT NULL, 
	persona JSON NOT NULL, 
	account_id VARCHAR NOT NULL, 
	handle VARCHAR NOT NULL, 
	wallet_id VARCHAR NOT NULL, 
	valence FLOAT NOT NULL, 
	arousal FLOAT NOT NULL, 
	dominance FLOAT NOT NULL, 
	mood_time DATETIME NOT NULL, 
	start_time DATETIME, 
	create_time DATETIME NOT NULL, 
	update_time DATETIME NOT NULL, 
	version BIGINT NOT NULL, trading_valence FLOAT, trading_arousal FLOAT, trading_dominance FLOAT, trading_mood_time DATETIME, network_user_id VARCHAR DEFAULT '' NOT NULL, handle_time DATETIME, stop_time DATETIME, persona_version INTEGER DEFAULT '1' NOT NULL, delete_time DATETIME, import_time DATETIME, keeps_wallet BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE mention_cursor (
	agent_id VARCHAR NOT NULL, 
	"after" VARCHAR NOT NULL, 
	PRIMARY KEY (agent_id)
);

CREATE TABLE conversation_count (
	agent_id VARCHAR NOT NULL, 
	conversation_id VARCHAR NOT NULL, 
	counterpart VARCHAR NOT NULL, 
	replies BIGINT NOT NULL, update_time DATETIME, 
	PRIMARY KEY (agent_id, conversation_id, counterpart)
);

CREATE TABLE request (
	principal VARCHAR NOT NULL, 
	method VARCHAR NOT NULL, 
	request_id VARCHAR NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	resource_id VARCHAR NOT NULL, 
	create_time DATETIME NOT NULL, 
	PRIMARY KEY (principal, method, request_id)
);

CREATE TABLE acquaintance (
	agent_id VARCHAR NOT NULL, 
	handle VARCHAR NOT NULL, 
	network_user_id VARCHAR NOT NULL, 
	PRIMARY KEY (agent_id, handle)
);

CREATE TABLE external_conversation (
	conversation_id VARCHAR NOT NULL, update_time DATETIME, 
	PRIMARY KEY (conversation_id)
);

CREATE TABLE reservation (
	agent_id VARCHAR NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	workflow_id VARCHAR NOT NULL, 
	create_time DATETIME NOT NULL, 
	PRIMARY KEY (agent_id, fingerprint)
);

CREATE TABLE hindrance (
	agent_id VARCHAR NOT NULL, 
	aim VARCHAR NOT NULL, 
	cause VARCHAR NOT NULL, 
	words VARCHAR NOT NULL, 
	begin_time DATETIME NOT NULL, 
	retry_time DATETIME, 
	PRIMARY KEY (agent_id, aim)
);

CREATE TABLE persona_version (
	agent_id VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	etag VARCHAR NOT NULL, 
	persona JSON NOT NULL, 
	changed_paths JSON NOT NULL, 
	principal VARCHAR NOT NULL, 
	create_time DATETIME NOT NULL, 
	PRIMARY KEY (agent_id, number)
);

CREATE TABLE "activity" (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	workflow_id VARCHAR NOT NULL, 
	step VARCHAR NOT NULL, 
	agent_id VARCHAR NOT NULL, 
	agent_name VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	create_time DATETIME NOT NULL, 
	behaviour VARCHAR DEFAULT ('') NOT NULL, 
	"trigger" VARCHAR DEFAULT 'unknown' NOT NULL, 
	event JSON NOT NULL, 
	grounds JSON NOT NULL, effect_id VARCHAR DEFAULT '' NOT NULL, network_effect_id VARCHAR DEFAULT '' NOT NULL, 
	UNIQUE (workflow_id, step)
);

CREATE TABLE schedule (
	agent_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	due_time DATETIME NOT NULL, 
	task JSON, 
	PRIMARY KEY (agent_id, kind, "key")
);

CREATE TABLE draft (
	id VARCHAR NOT NULL, 
	agent_id VARCHAR NOT NULL, 
	agent_name VARCHAR NOT NULL, 
	behaviour VARCHAR NOT NULL, 
	workflow_id VARCHAR NOT NULL, 
	"trigger" VARCHAR NOT NULL, 
	proposal JSON NOT NULL, 
	state VARCHAR NOT NULL, 
	is_edited BOOLEAN NOT NULL, 
	comment VARCHAR NOT NULL, 
	create_time DATETIME NOT NULL, 
	expire_time DATETIME NOT NULL, 
	decide_time DATETIME, 
	version INTEGER NOT NULL, principal VARCHAR DEFAULT '' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (workflow_id)
);

CREATE TABLE event (
	id VARCHAR NOT NULL, 
	content JSON NOT NULL, 
	priority VARCHAR NOT NULL, 
	is_broadcast BOOLEAN NOT NULL, 
	start_time DATETIME NOT NULL, 
	recurrence JSON, 
	state VARCHAR NOT NULL, 
	next_time DATETIME, 
	occurrences INTEGER NOT NULL, 
	deliveries INTEGER NOT NULL, 
	principal VARCHAR NOT NULL, 
	failure VARCHAR NOT NULL, 
	is_feed BOOLEAN NOT NULL, 
	etag VARCHAR NOT NULL, 
	last_modified VARCHAR NOT NULL, 
	create_time DATETIME NOT NULL, reached_id VARCHAR DEFAULT '' NOT NULL, persona_key VARCHAR DEFAULT '' NOT NULL, end_time DATETIME, 
	PRIMARY KEY (id)
);

CREATE TABLE event_target (
	event_id VARCHAR NOT NULL, 
	agent_id VARCHAR NOT NULL, 
	PRIMARY KEY (event_id, agent_id)
);

CREATE TABLE event_seen_item (
	event_id VARCHAR NOT NULL, 
	item_id VARCHAR NOT NULL, see_time DATETIME, 
	PRIMARY KEY (event_id, item_id)
);

CREATE TABLE mood (
	seq INTEGER NOT NULL, 
	agent_id VARCHAR NOT NULL, 
	valence FLOAT NOT NULL, 
	arousal FLOAT NOT NULL, 
	dominance FLOAT NOT NULL, 
	causes VARCHAR NOT NULL, 
	create_time DATETIME NOT NULL, 
	PRIMARY KEY (seq)
);

CREATE TABLE prompt (
	id VARCHAR NOT NULL, 
	parts JSON NOT NULL, 
	use_time DATETIME NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE replica (
	id VARCHAR NOT NULL, 
	lease_end FLOAT NOT NULL, 
	is_ended BOOLEAN NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE mark (
	name VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY (name)
);

CREATE TABLE webhook_message (
	id VARCHAR NOT NULL, 
	body VARCHAR NOT NULL, 
	draft_id VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	attempts INTEGER NOT NULL, 
	failure VARCHAR NOT NULL, 
	create_time DATETIME NOT NULL, 
	expire_time DATETIME NOT NULL, 
	next_time DATETIME, 
	PRIMARY KEY (id)
);

CREATE TABLE alert (
	agent_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	cause VARCHAR NOT NULL, 
	names VARCHAR NOT NULL, 
	begin_time DATETIME NOT NULL, 
	gone_time DATETIME, 
	PRIMARY KEY (agent_id, kind, cause)
);

CREATE INDEX activity_by_agent ON activity (agent_id, seq);

CREATE INDEX activity_by_effect_id ON activity (effect_id);

CREATE INDEX activity_by_network_effect_id ON activity (network_effect_id);

CREATE INDEX activity_by_time ON activity (create_time);

CREATE INDEX activity_by_workflow ON activity (workflow_id);

CREATE INDEX agent_by_account ON agent (account_id, id, name, handle);

CREATE INDEX agent_by_activity ON agent (is_active, id, handle, account_id);

CREATE INDEX agent_by_delete_time ON agent (delete_time) WHERE delete_time IS NOT NULL;

CREATE INDEX agent_by_handle ON agent (handle);

CREATE INDEX agent_by_small_handle ON agent (lower(handle));

CREATE INDEX agent_by_small_id ON agent (lower(id));

CREATE INDEX agent_by_small_name ON agent (lower(name));

CREATE INDEX agent_by_user ON agent (network_user_id);

CREATE INDEX conversation_count_by_time ON conversation_count (update_time);

CREATE INDEX draft_by_agent ON draft (agent_id, id);

CREATE INDEX draft_by_state ON draft (state, expire_time);

CREATE INDEX event_by_end_time ON event (end_time);

CREATE INDEX event_by_next_time ON event (next_time);

CREATE INDEX event_by_persona_key ON event (persona_key);

CREATE INDEX event_seen_item_by_time ON event_seen_item (see_time);

CREATE INDEX event_target_by_agent ON event_target (agent_id);

CREATE INDEX external_conversation_by_time ON external_conversation (update_time);

CREATE INDEX mood_by_time ON mood (agent_id, create_time);

CREATE INDEX prompt_by_use_time ON prompt (use_time);

CREATE INDEX request_by_time ON request (create_time);

CREATE INDEX reservation_by_time ON reservation (create_time);

CREATE INDEX schedule_by_due_time ON schedule (due_time);

CREATE INDEX webhook_message_by_next_time ON webhook_message (next_time);

CREATE INDEX webhook_message_by_time ON webhook_message (create_time);

INSERT INTO alembic_version VALUES ('0018');
