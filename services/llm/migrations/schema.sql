CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE budget (
	agent_id VARCHAR NOT NULL, 
	nanos_per_day BIGINT, 
	tokens_per_day BIGINT, 
	version INTEGER NOT NULL, 
	PRIMARY KEY (agent_id)
);

CREATE TABLE spending (
	agent_id VARCHAR NOT NULL, 
	day DATE NOT NULL, 
	spent_nanos BIGINT NOT NULL, 
	spent_tokens BIGINT NOT NULL, 
	reserved_nanos BIGINT NOT NULL, 
	reserved_tokens BIGINT NOT NULL, 
	PRIMARY KEY (agent_id, day)
);

CREATE TABLE attempt (
	id VARCHAR NOT NULL, 
	agent_id VARCHAR NOT NULL, 
	purpose VARCHAR NOT NULL, 
	workflow VARCHAR NOT NULL, 
	provider VARCHAR NOT NULL, 
	model VARCHAR NOT NULL, 
	day DATE NOT NULL, 
	state VARCHAR NOT NULL, 
	reserved_nanos BIGINT NOT NULL, 
	reserved_tokens BIGINT NOT NULL, 
	cost_nanos BIGINT, 
	prompt_tokens BIGINT NOT NULL, 
	completion_tokens BIGINT NOT NULL, 
	cached_tokens BIGINT NOT NULL, 
	reasoning_tokens BIGINT NOT NULL, 
	reason VARCHAR NOT NULL, 
	is_estimate BOOLEAN NOT NULL, 
	create_time DATETIME NOT NULL, 
	lease_time DATETIME NOT NULL, 
	PRIMARY KEY (id)
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

CREATE TABLE answer (
	principal VARCHAR NOT NULL, 
	method VARCHAR NOT NULL, 
	request_id VARCHAR NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	body BLOB NOT NULL, 
	create_time DATETIME NOT NULL, 
	PRIMARY KEY (principal, method, request_id)
);

CREATE INDEX answer_by_time ON answer (create_time);

CREATE INDEX attempt_by_day ON attempt (day, agent_id);

CREATE INDEX attempt_by_lease ON attempt (lease_time) WHERE state <> 'done';

CREATE INDEX request_by_time ON request (create_time);

INSERT INTO alembic_version VALUES ('0002');
