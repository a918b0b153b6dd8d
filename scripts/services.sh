# A throw-away PostgreSQL and Redis for the tests; source it after lib.sh. They listen on loopback only, keep nothing,
# and stop_services ends exactly what was started here.
services_dir=
services_redis=
services_postgres=

services_init() {
  [ -n "$services_dir" ] && return
  services_dir=$(mktemp -d "${TMPDIR:-/tmp}/parley-test.XXXXXX")
  chmod 755 "$services_dir"
}

# A port below the range that the kernel gives to outgoing connections.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
}

# PostgreSQL refuses to run as root; root runs it as the package's user.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then
    (cd / && runuser -u postgres -- "$@")
  else
    "$@"
  fi
}

postgres_bin() {
  local dir
  if have pg_ctl && have initdb; then
    dirname "$(command -v initdb)"
    return
  fi
  for dir in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV); do
    if [ -x "$dir/initdb" ]; then
      echo "$dir"
      return
    fi
  done
  return 1
}

# start_postgres: sets PARLEY_TEST_POSTGRES, or returns 1 when there is no PostgreSQL to be had.
start_postgres() {
  [ -n "${PARLEY_TEST_POSTGRES:-}" ] && return 0
  local bin port dir
  if ! bin=$(postgres_bin); then
    may_install || return 1
    install postgresql
    bin=$(postgres_bin) || return 1
  fi
  if [ "$(id -u)" = 0 ] && ! id postgres >/dev/null 2>&1; then
    return 1
  fi
  services_init
  dir=$services_dir/postgres
  mkdir "$dir"
  [ "$(id -u)" = 0 ] && chown postgres "$dir"
  # Durability is not what these tests test, and the data lives for minutes.
  as_postgres "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$services_dir/initdb.log" 2>&1 ||
    { cat "$services_dir/initdb.log"; return 1; }
  for _ in 1 2 3; do
    port=$(free_port)
    if as_postgres "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 \
      -o "-p $port -k $dir -c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300 -c max_locks_per_transaction=256 -c shared_buffers=64MB" \
      start >/dev/null; then
      services_postgres=$bin
      export PARLEY_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres?sslmode=disable"
      note "PostgreSQL $("$bin/postgres" --version | awk '{print $3}') on port $port"
      return 0
    fi
  done
  cat "$dir/log"
  return 1
}

# start_redis: sets PARLEY_TEST_REDIS, or returns 1 when there is no Redis to be had.
start_redis() {
  [ -n "${PARLEY_TEST_REDIS:-}" ] && return 0
  local port
  if ! have redis-server; then
    may_install || return 1
    install redis-server
    have redis-server || return 1
  fi
  services_init
  mkdir "$services_dir/redis"
  for _ in 1 2 3; do
    port=$(free_port)
    redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$services_dir/redis" \
      </dev/null >"$services_dir/redis/log" 2>&1 &
    services_redis=$!
    for _ in $(seq 100); do
      if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        export PARLEY_TEST_REDIS="redis://127.0.0.1:$port/0"
        note "Redis $(redis-server --version | sed -E 's/.* v=([^ ]+).*/\1/') on port $port"
        return 0
      fi
      kill -0 "$services_redis" 2>/dev/null || break
      sleep 0.1
    done
    kill "$services_redis" 2>/dev/null || true
    services_redis=
  done
  cat "$services_dir/redis/log"
  return 1
}

stop_services() {
  if [ -n "$services_redis" ]; then
    kill "$services_redis" 2>/dev/null || true
    wait "$services_redis" 2>/dev/null || true
    services_redis=
  fi
  if [ -n "$services_postgres" ]; then
    as_postgres "$services_postgres/pg_ctl" -D "$services_dir/postgres/data" -m immediate -w stop >/dev/null 2>&1 || true
    services_postgres=
  fi
  if [ -n "$services_dir" ]; then
    rm -rf "$services_dir"
    services_dir=
  fi
}
