CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE wallet (
	id VARCHAR NOT NULL, 
	agent_id VARCHAR NOT NULL, 
	address VARCHAR NOT NULL, 
	sealed_key VARCHAR NOT NULL, 
	create_time DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (agent_id), 
	UNIQUE (address)
);

CREATE TABLE policy (
	wallet_id VARCHAR NOT NULL, 
	max_trade_lamports BIGINT NOT NULL, 
	min_balance_lamports BIGINT NOT NULL, 
	max_slippage_bps INTEGER NOT NULL, 
	max_daily_trades BIGINT NOT NULL, 
	max_daily_volume_lamports BIGINT NOT NULL, 
	allowed_mints JSON NOT NULL, 
	blocked_mints JSON NOT NULL, 
	update_time DATETIME NOT NULL, 
	version INTEGER NOT NULL, max_price_deviation_bps INTEGER DEFAULT '500' NOT NULL, max_price_impact_bps INTEGER DEFAULT '300' NOT NULL, allow_unpriced BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY (wallet_id), 
	FOREIGN KEY(wallet_id) REFERENCES wallet (id)
);

CREATE TABLE halt (
	wallet_id VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	create_time DATETIME NOT NULL, 
	PRIMARY KEY (wallet_id)
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

CREATE TABLE "trade" (
	id VARCHAR NOT NULL, 
	wallet_id VARCHAR NOT NULL, 
	request_id VARCHAR NOT NULL, 
	input_mint VARCHAR NOT NULL, 
	output_mint VARCHAR NOT NULL, 
	input_amount BIGINT NOT NULL, 
	output_amount BIGINT NOT NULL, 
	min_output_amount BIGINT NOT NULL, 
	worth_lamports BIGINT NOT NULL, 
	fee_lamports BIGINT NOT NULL, 
	slippage_bps INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	state_reason VARCHAR NOT NULL, 
	order_id VARCHAR NOT NULL, 
	"transaction" BLOB NOT NULL, 
	signature VARCHAR NOT NULL, 
	last_valid_block_height BIGINT NOT NULL, 
	create_time DATETIME NOT NULL, 
	sign_time DATETIME, 
	finish_time DATETIME, 
	state_cause VARCHAR DEFAULT ('') NOT NULL, slot BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(wallet_id) REFERENCES wallet (id)
);

CREATE INDEX request_by_time ON request (create_time);

CREATE UNIQUE INDEX trade_by_signature ON trade (signature) WHERE signature <> '';

CREATE INDEX trade_by_state ON trade (state, wallet_id);

CREATE INDEX trade_by_wallet_and_time ON trade (wallet_id, create_time, id);

CREATE INDEX wallet_by_time ON wallet (create_time, id);

INSERT INTO alembic_version VALUES ('0006');
