#!/bin/bash
# Runs once, when the server's volume is new: a database for each service, which no other service's role may open.
set -eu

for service in agents llm memory trading social; do
    variable="PUPPET_POSTGRES_${service^^}_PASSWORD"
    psql --quiet --set=ON_ERROR_STOP=1 --set=role="$service" --set=password="${!variable}" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"role" OWNER :"role";
REVOKE ALL ON DATABASE :"role" FROM PUBLIC;
SQL
done
