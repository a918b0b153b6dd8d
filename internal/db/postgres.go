package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const postgresTries = 8

// idleInTransaction is after how many milliseconds the server ends a session that does nothing inside a transaction. No function
// waits inside one; but a node that is put to sleep there would keep its row locks, and with them its leases, until it wakes up.
const idleInTransaction = "5000"

func openPostgres(ctx context.Context, o Options) (*sql.DB, error) {
	c, err := pgx.ParseConfig(o.URL)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	if c.RuntimeParams["idle_in_transaction_session_timeout"] == "" {
		c.RuntimeParams["idle_in_transaction_session_timeout"] = idleInTransaction
	}
	pool := stdlib.OpenDB(*c)
	n := o.Readers
	if n == 0 {
		n = 16
	}
	pool.SetMaxOpenConns(n)
	pool.SetMaxIdleConns(n)
	if err := pool.PingContext(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reach PostgreSQL: %w", err)
	}
	return pool, nil
}

func (d *DB) updatePostgres(ctx context.Context, fn func(context.Context, *Tx) error) error {
	for try := 1; ; try++ {
		err := d.tryPostgres(ctx, nil, fn)
		if try >= postgresTries || !again(err) {
			return err
		}
		select {
		case <-time.After(time.Duration(rand.IntN(5*try)+1) * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d *DB) viewPostgres(ctx context.Context, fn func(context.Context, *Tx) error) error {
	return d.tryPostgres(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, fn)
}

func (d *DB) tryPostgres(ctx context.Context, o *sql.TxOptions, fn func(context.Context, *Tx) error) error {
	t, err := d.pg.BeginTx(ctx, o)
	if err != nil {
		return mapError(Postgres, err)
	}
	defer t.Rollback() // no effect after the commit
	tx := &Tx{engine: Postgres, now: d.Now(), ctx: ctx, pg: t, trace: d.trace}
	if err := fn(context.WithValue(ctx, txMark{}, true), tx); err != nil {
		return err
	}
	if err := t.Commit(); err != nil {
		return mapError(Postgres, err)
	}
	for _, h := range tx.hooks {
		h()
	}
	return nil
}

// errAgain marks a transaction that the engine wants run again.
var errAgain = errors.New("transaction must be run again")

func again(err error) bool { return errors.Is(err, errAgain) }

func mapPostgres(err error) error {
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch {
		case pe.Code == "23505":
			return uniqueFault(err)
		case pe.Code == "40001", pe.Code == "40P01":
			return unavailable(fmt.Errorf("%w: %w", errAgain, err))
		case strings.HasPrefix(pe.Code, "08"), strings.HasPrefix(pe.Code, "53"), strings.HasPrefix(pe.Code, "57P"), pe.Code == "25006", pe.Code == "25P03", pe.Code == "55P03":
			return unavailable(err)
		}
		return err
	}
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || pgconn.SafeToRetry(err) {
		return unavailable(err)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return unavailable(err)
	}
	return err
}
