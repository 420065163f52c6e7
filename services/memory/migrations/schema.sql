CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE relationship (
	agent_id VARCHAR NOT NULL, 
	counterpart VARCHAR NOT NULL, 
	sentiment FLOAT NOT NULL, 
	familiarity FLOAT NOT NULL, 
	trust FLOAT NOT NULL, 
	notes VARCHAR NOT NULL, 
	interaction_count BIGINT NOT NULL, 
	last_interaction VARCHAR NOT NULL, 
	last_interaction_time DATETIME, 
	create_time DATETIME NOT NULL, 
	update_time DATETIME NOT NULL, 
	version BIGINT NOT NULL, shared_experiences JSON DEFAULT '[]' NOT NULL, 
	PRIMARY KEY (agent_id, counterpart)
);

CREATE TABLE memory (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	agent_id VARCHAR NOT NULL, 
	text VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	provenance VARCHAR NOT NULL, 
	importance FLOAT NOT NULL, 
	valence FLOAT NOT NULL, 
	author VARCHAR NOT NULL, 
	source_id VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	conversation_id VARCHAR NOT NULL, 
	attributes JSON NOT NULL, 
	occur_time DATETIME NOT NULL, 
	create_time DATETIME NOT NULL, 
	update_time DATETIME NOT NULL, 
	expire_time DATETIME, 
	version BIGINT NOT NULL, 
	access_count BIGINT NOT NULL, 
	subject_key VARCHAR NOT NULL, 
	author_key VARCHAR NOT NULL, 
	fingerprint BLOB NOT NULL
, repetition INTEGER DEFAULT '0' NOT NULL, evidence VARCHAR DEFAULT '' NOT NULL);

CREATE TABLE revision (
	seq BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	state JSON NOT NULL, 
	PRIMARY KEY (seq, version)
);

CREATE TABLE embedding (
	seq BIGINT NOT NULL, 
	model VARCHAR NOT NULL, 
	vector BLOB NOT NULL, 
	PRIMARY KEY (seq, model)
);

CREATE TABLE lexicon (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	agent_id VARCHAR NOT NULL, has_table BOOLEAN DEFAULT '1' NOT NULL, 
	UNIQUE (agent_id)
);

CREATE TABLE change (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	seq BIGINT NOT NULL, 
	agent_id VARCHAR NOT NULL
);

CREATE TABLE build (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	model VARCHAR NOT NULL, 
	serves BOOLEAN NOT NULL
);

CREATE TABLE interaction (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	agent_id VARCHAR NOT NULL, 
	counterpart VARCHAR NOT NULL, 
	summary VARCHAR NOT NULL, 
	sentiment_delta FLOAT NOT NULL, 
	familiarity_delta FLOAT NOT NULL, 
	trust_delta FLOAT NOT NULL, 
	create_time DATETIME NOT NULL
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

CREATE TABLE memory_document (
	seq INTEGER NOT NULL, 
	agent_id VARCHAR NOT NULL, 
	text VARCHAR NOT NULL, 
	who VARCHAR NOT NULL, 
	day VARCHAR NOT NULL, 
	previous VARCHAR NOT NULL, 
	earlier VARCHAR NOT NULL, 
	PRIMARY KEY (seq)
);

CREATE INDEX interaction_by_pair ON interaction (agent_id, counterpart, number);

CREATE INDEX memory_by_author ON memory (agent_id, author_key) WHERE author_key <> '';

CREATE INDEX memory_by_expiry ON memory (expire_time) WHERE expire_time IS NOT NULL;

CREATE UNIQUE INDEX memory_by_fingerprint ON memory (agent_id, fingerprint);

CREATE UNIQUE INDEX memory_by_id ON memory (agent_id, id);

CREATE INDEX memory_by_source ON memory (agent_id, source_id) WHERE source_id <> '';

CREATE INDEX memory_by_subject ON memory (agent_id, subject_key) WHERE subject_key <> '';

CREATE INDEX memory_by_time ON memory (agent_id, create_time, seq);

CREATE INDEX memory_by_turn ON memory (agent_id, conversation_id, occur_time, seq) WHERE conversation_id <> '';

CREATE INDEX memory_document_by_agent ON memory_document (agent_id);

CREATE INDEX request_by_time ON request (create_time);

INSERT INTO alembic_version VALUES ('0009');
