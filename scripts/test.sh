#!/usr/bin/env bash
# Every test there is; `make test` calls it. It starts a PostgreSQL and a Redis of its own and stops them again. What it
# needs and may install (as root on Debian) it installs; what is missing otherwise it names at the end. With CI=true a
# missing part is a failure, and the Go tests run with the race detector and in random order.
. scripts/lib.sh
. scripts/services.sh

make=${MAKE:-make}
trap stop_services EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

have go || die "Go is missing. Parley needs Go 1.26 or newer: https://go.dev/dl/"

say "a PostgreSQL and a Redis for the tests"
postgres=yes redis=yes
start_postgres || postgres=no
start_redis || redis=no

chromium=
find_chromium() {
  local name
  # The shell has no browser window to draw beside the page: the tests take less than half the time.
  for name in "${CHROMIUM:-}" chromium-headless-shell chromium chromium-browser google-chrome; do
    if [ -n "$name" ] && have "$name"; then
      chromium=$(command -v "$name")
      return
    fi
  done
  return 1
}
if ! find_chromium && may_install; then
  install chromium-headless-shell fonts-dejavu-core
  find_chromium || install chromium fonts-dejavu-core
  find_chromium || true
fi

python_with_flask() { # of the two that there may be, see internal/acceptance/mail_test.go
  local name
  for name in python3 /usr/bin/python3; do
    if have "$name" && "$name" -c 'import flask, flask_mail, http.server' 2>/dev/null; then
      return
    fi
  done
  return 1
}
if ! python_with_flask && may_install; then # runs the examples
  install python3 python3-flask python3-flask-mail
fi

# The mail server that the tests send to, started by them in a folder of its own, which takes root. Installed without settings, so that
# nothing of it runs otherwise, and only where no other mail server would have to go.
has_postfix() { have postfix || [ -x /usr/sbin/postfix ]; }
if ! has_postfix && may_install && ! [ -e /usr/sbin/sendmail ]; then
  echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections || true
  install postfix
fi

node=yes
if ! have node || ! have npm || ! version_at_least "$(node --version | tr -d v)" 20.0.0; then
  node=no
fi

if in_ci; then
  # The race detector is the one thing here that needs a C compiler.
  if ! have gcc && may_install; then
    install gcc libc6-dev
  fi
  # The embedded database is C that was translated to Go, and one goroutine at a time uses a connection: watching its every memory
  # access finds nothing and takes half of the tests' time. Many tests wait for a database or a child: three packages at a time fill two
  # cores.
  step "Go tests (race detector, random order)" env CGO_ENABLED=1 go test -p 3 -race "-gcflags=modernc.org/...=-race=false -d=checkptr=0" -shuffle=on -vet=off -timeout 15m ./...
else
  step "Go tests" go test -timeout 10m ./...
fi
[ "$postgres" = yes ] || missing "Go tests on PostgreSQL" "install it (Debian: apt-get install postgresql), or set PARLEY_TEST_POSTGRES to the URL of a server"
[ "$redis" = yes ] || missing "Go tests on Redis" "install it (Debian: apt-get install redis-server), or set PARLEY_TEST_REDIS to the URL of a server"

if [ "$(id -u)" != 0 ]; then
  note "no mails were sent to Postfix: only root can start it"
elif ! has_postfix; then
  missing "mails to Postfix" "install it (Debian: apt-get install postfix)"
fi
python_with_flask || missing "the examples in Python" "install Python 3.9 or newer with Flask and Flask-Mail (Debian: apt-get install python3-flask python3-flask-mail)"

if [ "$node" = yes ]; then
  for app in widget operator; do
    step "web/$app: packages" "$make" "web/$app/node_modules/.package-lock.json"
    step "web/$app: types" npm --prefix "web/$app" run --silent typecheck
    step "web/$app: lint" npm --prefix "web/$app" run --silent lint
    step "web/$app: unit tests" npm --prefix "web/$app" test --silent
  done
  step "web apps and binary" "$make" build
  step "web/widget: size" npm --prefix web/widget run --silent size
  if [ -n "$chromium" ]; then
    step "web/widget: browser tests against a mock" env CHROMIUM="$chromium" npm --prefix web/widget run --silent --if-present test:browser
    step "web/e2e: packages" "$make" web/e2e/node_modules/.package-lock.json
    step "browser tests" env CHROMIUM="$chromium" npm --prefix web/e2e test --silent
  else
    missing "browser tests" "install Chromium (Debian: apt-get install chromium), or set CHROMIUM to its path"
  fi
else
  missing "tests of the web apps" "install Node 20 or newer with npm: https://nodejs.org/"
  missing "browser tests" "install Node 20 or newer with npm: https://nodejs.org/"
fi

summary "make test"
