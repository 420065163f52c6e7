CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE account (
	id VARCHAR NOT NULL, 
	agent_id VARCHAR NOT NULL, 
	network VARCHAR NOT NULL, 
	handle VARCHAR NOT NULL, 
	network_user_id VARCHAR NOT NULL, 
	sealed_credentials VARCHAR NOT NULL, 
	create_time DATETIME NOT NULL, handle_time DATETIME, handle_due_time DATETIME, 
	PRIMARY KEY (id), 
	UNIQUE (network, agent_id), 
	UNIQUE (network, network_user_id)
);

CREATE TABLE post (
	id VARCHAR NOT NULL, 
	account_id VARCHAR NOT NULL, 
	text VARCHAR NOT NULL, 
	in_reply_to VARCHAR NOT NULL, 
	request_id VARCHAR NOT NULL, 
	create_time DATETIME NOT NULL, 
	state VARCHAR NOT NULL, 
	state_reason VARCHAR NOT NULL, 
	network_post_id VARCHAR, 
	finish_time DATETIME, 
	due_time DATETIME, 
	attempt BIGINT NOT NULL, 
	looks BIGINT NOT NULL, 
	may_be_posted BOOLEAN NOT NULL, 
	is_duplicate BOOLEAN NOT NULL, state_cause VARCHAR, 
	PRIMARY KEY (id), 
	UNIQUE (account_id, network_post_id), 
	FOREIGN KEY(account_id) REFERENCES account (id)
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

CREATE TABLE network_limit (
	holder VARCHAR NOT NULL, 
	action VARCHAR NOT NULL, 
	window VARCHAR NOT NULL, 
	allowed BIGINT NOT NULL, 
	remaining BIGINT NOT NULL, 
	reset_time DATETIME NOT NULL, begin_time DATETIME, reason VARCHAR DEFAULT '' NOT NULL, 
	PRIMARY KEY (holder, action, window)
);

CREATE INDEX account_by_time ON account (create_time, id);

CREATE UNIQUE INDEX post_being_sent ON post (account_id) WHERE state = 'sent';

CREATE INDEX post_by_account_and_time ON post (account_id, create_time, id);

CREATE INDEX post_by_due_time ON post (due_time) WHERE due_time IS NOT NULL;

CREATE INDEX request_by_time ON request (create_time);

INSERT INTO alembic_version VALUES ('0006');
