// Package dbtest gives every test a real database of its own: a copy of a migrated SQLite file (about 2 ms), and with
// PARLEY_TEST_POSTGRES a schema on a real PostgreSQL server, shared and emptied between tests.
//
// It is for tests only.
package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/secret"
)

// PostgresVariable names the environment variable with the URL of a PostgreSQL server that tests may fill with schemas.
const PostgresVariable = "PARLEY_TEST_POSTGRES"

// Each runs fn as a subtest on SQLite and, where PostgresVariable is set, on PostgreSQL. With CI=true a missing PostgreSQL
// is a failure.
func Each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	EachOpen(t, func(t *testing.T, open func() *db.DB) { fn(t, open()) })
}

// EachOpen is Each for tests that open the database themselves: inside a synctest bubble, or several times to play a
// restart. Every call of open gives a new handle of the same database; handles still open at the end are closed.
func EachOpen(t *testing.T, fn func(t *testing.T, open func() *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		file := liteFile(t)
		fn(t, opener(t, file))
	})
	server := os.Getenv(PostgresVariable)
	if server == "" {
		if os.Getenv("CI") == "true" {
			t.Errorf("%s is not set: in CI every storage test also runs on PostgreSQL", PostgresVariable)
		}
		return
	}
	t.Run("postgres", func(t *testing.T) { fn(t, opener(t, postgresSchema(t, server))) })
}

// New returns a fresh SQLite database, for tests whose subject is not the storage.
func New(t testing.TB) *db.DB {
	t.Helper()
	return opener(t, liteFile(t))()
}

func opener(t testing.TB, url string) func() *db.DB {
	return func() *db.DB {
		t.Helper()
		d, err := db.Open(context.Background(), db.Options{URL: url, SkipMigrations: true})
		if err != nil {
			t.Fatalf("open test database: %v", err)
		}
		t.Cleanup(func() { d.Close() })
		return d
	}
}

var template struct {
	once  sync.Once
	bytes []byte
	err   error
}

func liteFile(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "parley.db")
	File(t, file)
	return file
}

// File writes an empty, migrated SQLite database to file, for tests that start the program itself.
func File(t testing.TB, file string) {
	t.Helper()
	template.once.Do(func() {
		dir, err := os.MkdirTemp("", "parley-template")
		if err != nil {
			template.err = err
			return
		}
		defer os.RemoveAll(dir)
		file := filepath.Join(dir, "t.db")
		d, err := db.Open(context.Background(), db.Options{URL: file})
		if err != nil {
			template.err = err
			return
		}
		if template.err = d.Close(); template.err == nil {
			template.bytes, template.err = os.ReadFile(file)
		}
	})
	if template.err != nil {
		t.Fatalf("make template database: %v", template.err)
	}
	if err := os.WriteFile(file, template.bytes, 0o600); err != nil {
		t.Fatalf("copy template database: %v", err)
	}
}

// Schema returns the URL of an empty, migrated schema on a PostgreSQL server, for tests that start the program itself.
func Schema(t *testing.T, server string) string {
	t.Helper()
	return postgresSchema(t, server)
}

var schemas struct {
	mu   sync.Mutex
	free []string
}

// postgresSchema returns the URL of an empty, migrated schema. It is emptied for the next test that takes it.
func postgresSchema(t *testing.T, server string) string {
	t.Helper()
	schemas.mu.Lock()
	var name string
	if n := len(schemas.free); n > 0 {
		name, schemas.free = schemas.free[n-1], schemas.free[:n-1]
	}
	schemas.mu.Unlock()
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatalf("open PostgreSQL: %v", err)
	}
	defer admin.Close()
	if name == "" {
		name = "t_" + strings.ReplaceAll(secret.UUID(), "-", "")
		if _, err := admin.Exec("CREATE SCHEMA " + name); err != nil {
			t.Fatalf("create schema %s: %v", name, err)
		}
		d, err := db.Open(context.Background(), db.Options{URL: schemaURL(t, server, name)})
		if err != nil {
			t.Fatalf("migrate schema %s: %v", name, err)
		}
		d.Close()
	} else if err := empty(admin, name); err != nil {
		t.Fatalf("empty schema %s: %v", name, err)
	}
	t.Cleanup(func() {
		schemas.mu.Lock()
		schemas.free = append(schemas.free, name)
		schemas.mu.Unlock()
	})
	return schemaURL(t, server, name)
}

func schemaURL(t *testing.T, server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("%s is not a URL: %v", PostgresVariable, err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

// emptied empties a schema's tables and begins their numbers anew. Deleting the few rows of a test takes a tenth of the time of TRUNCATE,
// which makes new files for the table and for all that refer to it; it is left to tables that have grown, and to users who may not delete
// past the references.
const emptied = `DO $$
DECLARE
	t regclass;
	most bigint := 262144;
BEGIN
	BEGIN
		PERFORM set_config('session_replication_role', 'replica', true);
	EXCEPTION WHEN insufficient_privilege THEN
		most := 0;
	END;
	FOR t IN SELECT oid::regclass FROM pg_class WHERE relnamespace = '%[1]s'::regnamespace AND relkind = 'r' AND relname <> 'schema_migrations' LOOP
		IF pg_relation_size(t) > most THEN
			EXECUTE format('TRUNCATE %%s CASCADE', t);
		ELSIF pg_relation_size(t) > 0 THEN
			EXECUTE format('DELETE FROM %%s', t);
		END IF;
	END LOOP;
	PERFORM setval(oid, 1, false) FROM pg_class WHERE relnamespace = '%[1]s'::regnamespace AND relkind = 'S';
	INSERT INTO %[1]s.feed_counter (one, last) VALUES (1, 0);
END $$`

func empty(admin *sql.DB, schema string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := admin.ExecContext(ctx, fmt.Sprintf(emptied, schema)); err != nil {
		return fmt.Errorf("empty the tables: %w", err)
	}
	return nil
}
