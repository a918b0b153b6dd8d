package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"parley/internal/fault"
)

const (
	// groupMax bounds how many functions share one commit, so that the first does not wait for a crowd.
	groupMax = 32
	// queueMax bounds the functions that wait for the writer; more are refused with 503 instead of piling up.
	queueMax = 8192
	// asideWait is how long a function that is in no hurry waits for others to share their commit with it.
	asideWait = 25 * time.Millisecond
	// checkpointAfter is how long after a commit the log is moved into the database file, in the background. The writer does
	// it itself only when the log has grown to autoCheckpoint pages: every caller of that moment waits for it.
	checkpointAfter = 2 * time.Second
	autoCheckpoint  = 16384
	// busyTimeout is how long the writer waits for another program's lock before it refuses.
	busyTimeout = 2 * time.Second
)

// liteEngine is SQLite: one writer goroutine with group commit, and a pool of read connections.
type liteEngine struct {
	db      *DB
	sql     *sql.DB // for migrations and checkpoints
	name    string  // URI of the file
	pragmas []string
	queue   chan *liteJob
	aside   chan *liteJob // those in no hurry
	readers chan *liteConn
	writer  *liteConn
	wait    sync.WaitGroup
	stop    chan struct{}
	dirty   chan struct{} // something was committed since the last checkpoint
	closed  atomic.Bool
	mu      sync.RWMutex // held for reading while a job is put into the queue, for writing while closing
}

type liteJob struct {
	ctx   context.Context
	fn    func(ctx context.Context, tx *Tx) error
	state atomic.Int32 // 0 waiting, 1 taken by the writer, 2 given up by the caller
	err   error
	hooks []func()
	panic *panicked
	done  chan struct{}
}

type panicked struct {
	value any
	stack []byte
}

func openLite(ctx context.Context, d *DB, o Options) (*liteEngine, error) {
	if dir := filepath.Dir(o.URL); dir != "." {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("data directory %s: %w", dir, err)
		}
	}
	pragmas := []string{
		"busy_timeout(" + fmt.Sprint(busyTimeout.Milliseconds()) + ")",
		"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "temp_store(MEMORY)", "cache_size(-16000)", "journal_size_limit(67108864)", "wal_autocheckpoint(" + fmt.Sprint(autoCheckpoint) + ")",
	}
	name := "file:" + (&url.URL{Path: o.URL}).EscapedPath()
	pool, err := sql.Open("sqlite", name+"?"+url.Values{"_pragma": pragmas}.Encode())
	if err != nil {
		return nil, fmt.Errorf("open SQLite file %s: %w", o.URL, err)
	}
	e := &liteEngine{db: d, sql: pool, name: name, pragmas: pragmas, queue: make(chan *liteJob, queueMax), aside: make(chan *liteJob, queueMax), stop: make(chan struct{}), dirty: make(chan struct{}, 1)}
	if e.writer, err = e.connect(); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open SQLite file %s: %w", o.URL, err)
	}
	n := o.Readers
	if n == 0 {
		n = 4
	}
	e.readers = make(chan *liteConn, n)
	for range n {
		e.readers <- &liteConn{} // connected on first use: a start should not pay for all of them
	}
	e.wait.Go(e.run)
	e.wait.Go(e.checkpoints)
	return e, nil
}

func (e *liteEngine) connect() (*liteConn, error) { return openLiteConn(e.name, e.pragmas) }

func (e *liteEngine) close() error {
	e.mu.Lock()
	if e.closed.Swap(true) {
		e.mu.Unlock()
		return nil
	}
	close(e.stop)
	e.mu.Unlock()
	e.wait.Wait()
	for range cap(e.readers) {
		(<-e.readers).close()
	}
	e.writer.close()
	return e.sql.Close()
}

func (e *liteEngine) update(ctx context.Context, queue chan *liteJob, fn func(context.Context, *Tx) error) error {
	job := &liteJob{ctx: ctx, fn: fn, done: make(chan struct{})}
	e.mu.RLock()
	if e.closed.Load() {
		e.mu.RUnlock()
		return fault.New(fault.ShuttingDown, "the database is closed")
	}
	select {
	case queue <- job:
	default:
		e.mu.RUnlock()
		return fault.New(fault.DatabaseBusy, "too many writes are waiting; try again in a moment").After(time.Second)
	}
	e.mu.RUnlock()
	select {
	case <-job.done:
	case <-ctx.Done():
		if job.state.CompareAndSwap(0, 2) {
			return ctx.Err()
		}
		<-job.done // the writer has it: only the writer knows whether it will be stored
	}
	if job.panic != nil {
		panic(fmt.Sprintf("%v\n%s", job.panic.value, job.panic.stack))
	}
	return job.err
}

// run is the writer goroutine. It ends after close, when the queues are empty.
func (e *liteEngine) run() {
	batch := make([]*liteJob, 0, groupMax)
	var held []*liteJob       // in no hurry: they go with the next commit
	var late <-chan time.Time // when they have waited long enough for one
	for {
		batch = batch[:0]
		aside := e.aside
		if len(held) >= groupMax/4 { // nor may they make others wait long
			aside = nil
		}
		select {
		case j := <-e.queue:
			batch = append(batch, j)
		case j := <-aside:
			if held = append(held, j); late == nil {
				late = time.After(asideWait)
			}
			continue
		case <-late:
		case <-e.stop:
			select {
			case j := <-e.queue:
				batch = append(batch, j)
			case j := <-aside:
				batch = append(batch, j)
			default:
				if len(held) == 0 {
					return
				}
			}
		}
	fill:
		for len(batch) < groupMax {
			select {
			case j := <-e.queue:
				batch = append(batch, j)
			default:
				break fill
			}
		}
		// The group runs before anybody who shares it hears of it, so those in no hurry come last and are few.
		batch = append(batch, held...)
		held, late = held[:0], nil
		e.group(batch)
	}
}

// group runs a batch of jobs in one commit. A job's own error rolls back to its savepoint and touches no other job;
// trouble of the engine fails every job of the batch that has not been answered, so that nothing is acknowledged
// that is not durable.
func (e *liteEngine) group(batch []*liteJob) {
	jobs := batch[:0:len(batch)]
	for _, j := range batch {
		if j.state.CompareAndSwap(0, 1) {
			jobs = append(jobs, j)
		}
	}
	if len(jobs) == 0 {
		return
	}
	if !e.writer.isOpen() {
		c, err := e.connect()
		if err != nil {
			answer(jobs, mapLite(err))
			return
		}
		e.writer = c
	}
	if err := e.writer.do("BEGIN IMMEDIATE"); err != nil {
		e.broken(err)
		answer(jobs, mapLite(err))
		return
	}
	kept, lost, err := e.all(jobs)
	if lost {
		// The engine gave up the whole transaction (a full disk does that), or it is the only way back: every job goes with it.
		e.writer.do("ROLLBACK")
		e.broken(err)
		answer(jobs, unavailable(err)) // never one job's own trouble, which says nothing about the others
		return
	}
	if len(kept) == 0 {
		if err := e.writer.do("ROLLBACK"); err != nil {
			e.broken(err)
		}
		answer(jobs, nil)
		return
	}
	if err := e.writer.do("COMMIT"); err != nil {
		e.writer.do("ROLLBACK")
		e.broken(err)
		for _, j := range kept {
			j.err = unavailable(fmt.Errorf("commit: %w", err))
		}
		answer(jobs, nil)
		return
	}
	for _, j := range kept {
		for _, h := range j.hooks {
			h()
		}
	}
	answer(jobs, nil)
	select {
	case e.dirty <- struct{}{}:
	default:
	}
}

// checkpoints moves what was committed from the log into the database file while the writer goes on.
func (e *liteEngine) checkpoints() {
	for {
		select {
		case <-e.dirty:
		case <-e.stop:
			return
		}
		pause := time.NewTimer(checkpointAfter)
		select {
		case <-pause.C:
		case <-e.stop:
			pause.Stop()
			return
		}
		if _, err := e.sql.ExecContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
			e.db.log.Warn("the database's log could not be moved into its file; trying again after the next write", "error", err)
		}
	}
}

// all runs the jobs in the open transaction and returns those that succeeded. Savepoints cost a tenth of the time and are
// hardly ever needed, so the first round does without: a job that fails before it has written anything needs none. When one
// fails after writing, everything is rolled back and all jobs run again, each in a savepoint. lost means that there is no
// way to go on.
func (e *liteEngine) all(jobs []*liteJob) (kept []*liteJob, lost bool, err error) {
	now := e.db.Now()
	for _, j := range jobs {
		tx := e.run1(j, now)
		if err := e.ended(j); err != nil {
			return nil, true, err
		}
		if j.err == nil {
			kept = append(kept, j)
			continue
		}
		if !tx.wrote {
			continue
		}
		if len(jobs) == 1 {
			return nil, false, nil // the caller rolls back
		}
		if err := e.writer.do("ROLLBACK"); err != nil {
			return nil, true, err
		}
		if err := e.writer.do("BEGIN IMMEDIATE"); err != nil {
			return nil, true, err
		}
		return e.guarded(jobs)
	}
	return kept, false, nil
}

// guarded runs the jobs each in a savepoint.
func (e *liteEngine) guarded(jobs []*liteJob) (kept []*liteJob, lost bool, err error) {
	now := e.db.Now()
	for _, j := range jobs {
		if err := e.writer.do("SAVEPOINT j"); err != nil {
			return nil, true, err
		}
		e.run1(j, now)
		if err := e.ended(j); err != nil {
			return nil, true, err
		}
		if j.err != nil {
			if err := e.writer.do("ROLLBACK TO j"); err != nil {
				return nil, true, err
			}
		}
		if err := e.writer.do("RELEASE j"); err != nil {
			return nil, true, err
		}
		if j.err == nil {
			kept = append(kept, j)
		}
	}
	return kept, false, nil
}

// ended tells that the transaction is over although nobody ended it: SQLite rolls back by itself when a page cannot be read or
// written or memory is short, also during a SELECT, and what ran after that would be stored at once and by halves.
func (e *liteEngine) ended(j *liteJob) error {
	if e.writer.inTransaction() {
		return nil
	}
	if j.err == nil {
		return errors.New("the engine rolled the transaction back")
	}
	return fmt.Errorf("the engine rolled the transaction back: %w", j.err)
}

// run1 runs one job's function and notes its error and hooks.
func (e *liteEngine) run1(j *liteJob, now time.Time) *Tx {
	tx := &Tx{engine: SQLite, now: now, ctx: context.Background(), lite: e.writer, trace: e.db.trace}
	j.panic = nil
	j.err = e.call(j, tx)
	j.hooks = tx.hooks
	return tx
}

func (e *liteEngine) call(j *liteJob, tx *Tx) (err error) {
	defer func() {
		if v := recover(); v != nil {
			j.panic = &panicked{v, debug.Stack()}
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return j.fn(context.WithValue(j.ctx, txMark{}, true), tx)
}

// broken closes the writer's connection after engine trouble; the next group opens a fresh one. A full disk says nothing
// against the connection: it stays.
func (e *liteEngine) broken(err error) {
	e.db.log.Warn("database write refused", "error", err)
	if le, ok := errors.AsType[*liteError](err); ok && le.code&0xff == sqlite3.SQLITE_FULL && !e.writer.inTransaction() {
		return
	}
	e.writer.close()
}

func answer(jobs []*liteJob, err error) {
	for _, j := range jobs {
		if err != nil {
			j.err = err
		}
		close(j.done)
	}
}

func (e *liteEngine) view(ctx context.Context, fn func(context.Context, *Tx) error) error {
	if e.closed.Load() {
		return fault.New(fault.ShuttingDown, "the database is closed")
	}
	var c *liteConn
	select {
	case c = <-e.readers:
	case <-e.stop: // close takes the readers for good
		return fault.New(fault.ShuttingDown, "the database is closed")
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { e.readers <- c }()
	if !c.isOpen() {
		fresh, err := e.connect()
		if err != nil {
			return mapLite(err)
		}
		c = fresh
	}
	if err := c.do("BEGIN"); err != nil {
		c.close()
		return mapLite(err)
	}
	defer func() {
		if err := c.do("ROLLBACK"); err != nil {
			c.close()
		}
	}()
	return fn(context.WithValue(ctx, txMark{}, true), &Tx{engine: SQLite, now: e.db.Now(), ctx: context.Background(), lite: c, trace: e.db.trace})
}

func mapLite(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	code := 0
	if e, ok := errors.AsType[*liteError](err); ok {
		code = int(e.code)
	} else if e, ok := errors.AsType[*sqlite.Error](err); ok { // of the driver: migrations
		code = e.Code()
	}
	if code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY {
		return uniqueFault(err)
	}
	switch code & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM:
		return unavailable(err)
	}
	return err
}
