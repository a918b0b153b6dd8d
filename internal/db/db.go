package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"parley/internal/fault"
)

// Engine names the database behind a DB.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Options says what to open.
type Options struct {
	// URL is a path of a SQLite file, or a postgres:// URL.
	URL string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger gets migrations and engine trouble; nil discards.
	Logger *slog.Logger
	// Readers is the number of SQLite read connections, or the size of PostgreSQL's pool. Zero means 4 or 16.
	Readers int
	// SkipMigrations opens the database as it is (for test copies that are known to be current).
	SkipMigrations bool
}

// DB is an open database.
type DB struct {
	engine Engine
	now    func() time.Time
	log    *slog.Logger
	lite   *liteEngine
	pg     *sql.DB
	closed atomic.Bool
	trace  func(query string, args []any)
}

// Open opens the database and brings its schema up to date. It refuses a schema that is newer than this program.
func Open(ctx context.Context, o Options) (*DB, error) {
	d := &DB{engine: SQLite, now: o.Now, log: o.Logger}
	if d.now == nil {
		d.now = time.Now
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if IsPostgresURL(o.URL) {
		d.engine = Postgres
	}
	var err error
	switch d.engine {
	case Postgres:
		d.pg, err = openPostgres(ctx, o)
	default:
		d.lite, err = openLite(ctx, d, o)
	}
	if err != nil {
		return nil, err
	}
	if !o.SkipMigrations {
		if err := d.migrate(ctx, o); err != nil {
			d.Close()
			return nil, err
		}
	}
	return d, nil
}

// IsPostgresURL reports whether a database setting means PostgreSQL.
func IsPostgresURL(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// Trace sets a function that hears every statement of later transactions, nil for none. It is for tests that count or
// explain statements; set it while nothing runs.
func (d *DB) Trace(fn func(query string, args []any)) { d.trace = fn }

// Engine tells which engine is behind d.
func (d *DB) Engine() Engine { return d.engine }

// Now returns the clock's time in UTC, cut to microseconds, as rows store it.
func (d *DB) Now() time.Time { return d.now().UTC().Truncate(time.Microsecond) }

// Close waits for the running transactions and closes the database. Update and View fail afterwards.
func (d *DB) Close() error {
	if d.closed.Swap(true) {
		return nil
	}
	if d.pg != nil {
		return d.pg.Close()
	}
	return d.lite.close()
}

type txMark struct{}

// InTx reports whether ctx belongs to a function that runs inside a transaction. Nothing may wait for the network there.
func InTx(ctx context.Context) bool { return ctx.Value(txMark{}) != nil }

// Update runs fn in a read-write transaction and returns after its changes are durable, or with an error and no change.
// Errors of fn are returned as they are; engine trouble is a fault of kind unavailable. fn may run more than once.
func (d *DB) Update(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	return d.update(ctx, false, fn)
}

// UpdateAside is Update for work in the background that nobody waits for. On SQLite it shares the commit of somebody who is in a hurry,
// where one comes along within 25 ms, so that it costs those no disk time of its own.
func (d *DB) UpdateAside(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	return d.update(ctx, true, fn)
}

func (d *DB) update(ctx context.Context, aside bool, fn func(ctx context.Context, tx *Tx) error) error {
	if InTx(ctx) {
		panic("db: Update inside a transaction")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.engine == Postgres {
		return d.updatePostgres(ctx, fn)
	}
	if aside {
		return d.lite.update(ctx, d.lite.aside, fn)
	}
	return d.lite.update(ctx, d.lite.queue, fn)
}

// View runs fn in a read-only transaction that sees one snapshot.
func (d *DB) View(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	if InTx(ctx) {
		panic("db: View inside a transaction")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.engine == Postgres {
		return d.viewPostgres(ctx, fn)
	}
	return d.lite.view(ctx, fn)
}

// Tx is a running transaction. Its statements take $1-style arguments; times go in and out as microseconds (see Micros).
type Tx struct {
	engine Engine
	now    time.Time
	ctx    context.Context
	lite   *liteConn
	pg     *sql.Tx
	hooks  []func()
	wrote  bool // SQLite: something may have been changed
	trace  func(query string, args []any)
}

// Now is the one time of this transaction, UTC, whole microseconds.
func (tx *Tx) Now() time.Time { return tx.now }

// Engine tells which engine runs the transaction, for the few statements that differ.
func (tx *Tx) Engine() Engine { return tx.engine }

// OnCommit registers fn to run right after a successful commit, in order of registration. It must be quick and cannot fail.
func (tx *Tx) OnCommit(fn func()) { tx.hooks = append(tx.hooks, fn) }

// Exec runs a statement and returns the number of rows that it changed.
func (tx *Tx) Exec(query string, args ...any) (int64, error) {
	res, err := tx.exec(query, args)
	if err != nil {
		return 0, mapError(tx.engine, err)
	}
	n, err := res.RowsAffected()
	return n, mapError(tx.engine, err)
}

func (tx *Tx) exec(query string, args []any) (driver.Result, error) {
	if tx.trace != nil {
		tx.trace(query, args)
	}
	if tx.engine == Postgres {
		return tx.pg.ExecContext(tx.ctx, query, args...)
	}
	tx.wrote = true
	return tx.lite.exec(query, args)
}

// Insert runs an INSERT that ends in " RETURNING id" and returns the new row's id. On SQLite it leaves these words out and asks
// the engine for the row's number instead, which costs a third less.
func Insert[T ~int64](tx *Tx, query string, args ...any) (T, error) {
	if tx.engine == Postgres {
		var id T
		err := tx.One(query, args, &id)
		return id, err
	}
	text, ok := strings.CutSuffix(query, returningID)
	if !ok {
		return 0, fmt.Errorf("db: Insert takes a statement that ends in %q: %s", returningID, query)
	}
	res, err := tx.exec(text, args)
	if err != nil {
		return 0, mapError(tx.engine, err)
	}
	id, err := res.LastInsertId()
	return T(id), mapError(tx.engine, err)
}

const returningID = " RETURNING id"

// Scanner is one row of a result.
type Scanner interface{ Scan(dest ...any) error }

// ErrNoRows is returned by One when the statement found nothing.
var ErrNoRows = sql.ErrNoRows

// cursor is what both engines' rows can do.
type cursor interface {
	Scanner
	Next() bool
	Err() error
	Close() error
}

func (tx *Tx) rows(query string, args []any) (cursor, error) {
	if tx.trace != nil {
		tx.trace(query, args)
	}
	if tx.engine == Postgres {
		return tx.pg.QueryContext(tx.ctx, query, args...)
	}
	tx.wrote = tx.wrote || !strings.HasPrefix(query, "SELECT")
	return tx.lite.query(query, args)
}

// One runs a statement that yields at most one row of interest and scans it; ErrNoRows when there is none.
func (tx *Tx) One(query string, args []any, dest ...any) error {
	rows, err := tx.rows(query, args)
	if err != nil {
		return mapError(tx.engine, err)
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return mapError(tx.engine, err)
		}
		return ErrNoRows
	}
	if err := rows.Scan(dest...); err != nil {
		return mapError(tx.engine, err)
	}
	return mapError(tx.engine, rows.Close())
}

// All runs a query and collects what scan makes of each row.
func All[T any](tx *Tx, query string, args []any, scan func(Scanner) (T, error)) ([]T, error) {
	rows, err := tx.rows(query, args)
	if err != nil {
		return nil, mapError(tx.engine, err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, mapError(tx.engine, err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, mapError(tx.engine, err)
	}
	return out, nil
}

// First runs a query and returns what scan makes of its first row; ErrNoRows when there is none.
func First[T any](tx *Tx, query string, args []any, scan func(Scanner) (T, error)) (T, error) {
	var zero T
	rows, err := tx.rows(query, args)
	if err != nil {
		return zero, mapError(tx.engine, err)
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return zero, mapError(tx.engine, err)
		}
		return zero, ErrNoRows
	}
	v, err := scan(rows)
	if err != nil {
		return zero, mapError(tx.engine, err)
	}
	return v, nil
}

// Prepare checks that the engine accepts a statement against the current schema. It is for tests.
func (tx *Tx) Prepare(query string) error {
	if tx.engine == Postgres {
		st, err := tx.pg.PrepareContext(tx.ctx, query)
		if err != nil {
			return err
		}
		return st.Close()
	}
	_, err := tx.lite.stmt(query)
	return err
}

// Micros is how rows store a time: microseconds since 1970, UTC. The zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is the inverse of Micros.
func Time(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// NullID is how rows store an optional reference: zero becomes NULL.
func NullID[T ~int64](v T) any {
	if v == 0 {
		return nil
	}
	return int64(v)
}

// errUnique marks a unique-constraint violation inside the fault that Exec returns.
var errUnique = errors.New("unique constraint")

// IsUnique reports whether err is a violation of a unique constraint.
func IsUnique(err error) bool { return errors.Is(err, errUnique) }

func unavailable(err error) error {
	return fault.New(fault.DatabaseUnavailable, "the database cannot store anything right now; try again in a moment").
		After(2 * time.Second).Because(err)
}

func mapError(e Engine, err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if e == Postgres {
		return mapPostgres(err)
	}
	return mapLite(err)
}

func uniqueFault(err error) error {
	return fault.New(fault.DatabaseConflict, "another row already has this value").Because(fmt.Errorf("%w: %w", errUnique, err))
}
