package db

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// liteConn is one SQLite connection with its prepared statements. It calls SQLite itself instead of going through the
// driver for database/sql: that one serves callers that share connections, opens them with a lock around every call, and makes
// a value of its own of every column and argument. Here a connection has one user at a time, and columns go straight into
// the places that Scan was given. It saves a quarter of what a small statement costs.
//
// Memory that SQLite reads or writes is never Go's: arguments are copied into a block that belongs to their statement
// (liteStmt.place), and columns are copied out of SQLite's own memory before the next call that may move it.
type liteConn struct {
	tls   *libc.TLS
	db    uintptr // sqlite3*; 0 means that there is no connection
	stmts map[string]*liteStmt
}

// liteStmt is a prepared statement.
type liteStmt struct {
	c       *liteConn
	handle  uintptr // sqlite3_stmt*
	order   []int   // for each of SQLite's parameters the index of its argument: $2 may stand before $1
	values  []any   // of the parameters, while they are bound
	columns int
	memory  uintptr // of the texts and byte strings of the last call
	size    int
	running bool // rows of it are open
}

// keepMemory is the size of a statement's argument block that is kept for the next call; larger ones are given back.
const keepMemory = 64 << 10

// maxStatements bounds the prepared statements of a connection: list filters make new texts.
const maxStatements = 512

// liteError is an answer of SQLite that means failure.
type liteError struct {
	code int32 // extended result code
	text string
}

func (e *liteError) Error() string { return e.text + " (" + strconv.Itoa(int(e.code)) + ")" }

// openLiteConn opens the file that name, a file: URI, stands for and runs the pragmas in their order.
func openLiteConn(name string, pragmas []string) (*liteConn, error) {
	c := &liteConn{tls: libc.NewTLS(), stmts: map[string]*liteStmt{}}
	place, err := c.alloc(int(unsafe.Sizeof(uintptr(0))) + len(name) + 1)
	if err != nil {
		c.close()
		return nil, err
	}
	at := place + unsafe.Sizeof(uintptr(0))
	copy(memory(at, len(name)+1), name+"\x00")
	// One user at a time per connection: no lock around every call.
	rc := sqlite3.Xsqlite3_open_v2(c.tls, at, place, sqlite3.SQLITE_OPEN_READWRITE|sqlite3.SQLITE_OPEN_CREATE|sqlite3.SQLITE_OPEN_NOMUTEX|sqlite3.SQLITE_OPEN_URI, 0)
	c.db = *(*uintptr)(pointer(place)) // there is one even after most failures, to ask for the reason and to close
	sqlite3.Xsqlite3_free(c.tls, place)
	if rc == sqlite3.SQLITE_OK {
		rc = sqlite3.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	}
	if rc != sqlite3.SQLITE_OK {
		defer c.close()
		return nil, c.failure(rc)
	}
	for _, p := range pragmas {
		if err := c.do("PRAGMA " + p); err != nil {
			defer c.close()
			return nil, fmt.Errorf("PRAGMA %s: %w", p, err)
		}
	}
	return c, nil
}

// close ends the connection; it may be called again.
func (c *liteConn) close() {
	for _, s := range c.stmts {
		s.close()
	}
	c.stmts = nil
	if c.db != 0 {
		sqlite3.Xsqlite3_close_v2(c.tls, c.db)
		c.db = 0
	}
	if c.tls != nil {
		c.tls.Close()
		c.tls = nil
	}
}

// isOpen reports whether there is a connection behind c.
func (c *liteConn) isOpen() bool { return c.db != 0 }

// inTransaction reports whether a transaction is open.
func (c *liteConn) inTransaction() bool {
	return c.isOpen() && sqlite3.Xsqlite3_get_autocommit(c.tls, c.db) == 0
}

// failure is the error of a result code, with SQLite's words about the last call.
func (c *liteConn) failure(rc int32) error {
	text := libc.GoString(sqlite3.Xsqlite3_errstr(c.tls, rc))
	if c.db != 0 {
		if more := libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db)); more != text {
			text += ": " + more
		}
	}
	return &liteError{rc, text}
}

func (c *liteConn) alloc(n int) (uintptr, error) {
	p := sqlite3.Xsqlite3_malloc64(c.tls, uint64(n))
	if p == 0 {
		return 0, &liteError{sqlite3.SQLITE_NOMEM, fmt.Sprintf("no memory for %d bytes", n)}
	}
	return p, nil
}

// pointer makes a pointer of an address outside Go's heap.
func pointer(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

// memory is n bytes of SQLite's memory. Nobody keeps the slice.
func memory(address uintptr, n int) []byte { return unsafe.Slice((*byte)(pointer(address)), n) }

// stmt returns the prepared form of query.
func (c *liteConn) stmt(query string) (*liteStmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	if !c.isOpen() {
		return nil, &liteError{sqlite3.SQLITE_CANTOPEN, "the connection is closed"}
	}
	text := strings.TrimSpace(query)
	if t, ok := strings.CutSuffix(text, "FOR UPDATE"); ok {
		text = t
	}
	s, err := c.prepare(text)
	if err != nil {
		return nil, err
	}
	if len(c.stmts) >= maxStatements { // the constant ones come back at once
		for k, old := range c.stmts {
			if !old.running {
				old.close()
				delete(c.stmts, k)
				break
			}
		}
	}
	c.stmts[query] = s
	return s, nil
}

func (c *liteConn) prepare(text string) (*liteStmt, error) {
	if strings.ContainsRune(text, 0) {
		return nil, errors.New("db: a statement holds a NUL character")
	}
	const word = unsafe.Sizeof(uintptr(0))
	place, err := c.alloc(2*int(word) + len(text) + 1)
	if err != nil {
		return nil, err
	}
	defer sqlite3.Xsqlite3_free(c.tls, place)
	at := place + 2*word
	copy(memory(at, len(text)+1), text+"\x00")
	if rc := sqlite3.Xsqlite3_prepare_v2(c.tls, c.db, at, int32(len(text)+1), place, place+word); rc != sqlite3.SQLITE_OK {
		return nil, c.failure(rc)
	}
	s := &liteStmt{c: c, handle: *(*uintptr)(pointer(place))}
	if s.handle == 0 {
		return nil, errors.New("db: the statement is empty")
	}
	if rest := text[*(*uintptr)(pointer(place + word))-at:]; strings.TrimSpace(rest) != "" {
		s.close()
		return nil, fmt.Errorf("db: one statement at a time; this stands after it: %q", rest)
	}
	s.columns = int(sqlite3.Xsqlite3_column_count(c.tls, s.handle))
	for i := range int(sqlite3.Xsqlite3_bind_parameter_count(c.tls, s.handle)) {
		name := libc.GoString(sqlite3.Xsqlite3_bind_parameter_name(c.tls, s.handle, int32(i+1)))
		n, err := strconv.Atoi(strings.TrimPrefix(name, "$"))
		if err != nil || n < 1 {
			s.close()
			return nil, fmt.Errorf("db: parameter %q is not of the form $1", name)
		}
		s.order = append(s.order, n-1)
	}
	return s, nil
}

func (s *liteStmt) close() {
	if s.handle != 0 {
		sqlite3.Xsqlite3_finalize(s.c.tls, s.handle)
		s.handle = 0
	}
	s.release()
}

// release gives the block of the arguments back. The statement must not run.
func (s *liteStmt) release() {
	if s.memory != 0 {
		sqlite3.Xsqlite3_free(s.c.tls, s.memory)
		s.memory, s.size = 0, 0
	}
}

// reset makes the statement ready for its next run.
func (s *liteStmt) reset() {
	sqlite3.Xsqlite3_reset(s.c.tls, s.handle) // says again what step said
	s.running = false
	if s.size > keepMemory {
		sqlite3.Xsqlite3_clear_bindings(s.c.tls, s.handle)
		s.release()
	}
}

// place makes room for n bytes of arguments.
func (s *liteStmt) place(n int) error {
	if n <= s.size {
		return nil
	}
	s.release()
	n = max(n, 256)
	p, err := s.c.alloc(n)
	if err != nil {
		return err
	}
	s.memory, s.size = p, n
	return nil
}

// plain makes one of the types that bind takes of a named type or another number.
func plain(a any) (any, error) {
	switch a.(type) {
	case nil, string, []byte, int64, int, bool, float64:
		return a, nil
	}
	return driver.DefaultParameterConverter.ConvertValue(a)
}

// bind gives the statement its arguments: nil, booleans, whole numbers, floats, texts, byte strings and named types of them. A nil
// byte string is NULL, an empty one is empty.
func (s *liteStmt) bind(args []any) error {
	if s.running {
		return errors.New("db: the statement runs already; close its rows first")
	}
	need := 0
	s.values = s.values[:0]
	for _, n := range s.order {
		if n >= len(args) {
			return fmt.Errorf("db: argument $%d is missing", n+1)
		}
		v, err := plain(args[n])
		if err != nil {
			return fmt.Errorf("db: argument $%d: %w", n+1, err)
		}
		switch v := v.(type) {
		case string:
			need += len(v)
		case []byte:
			need += len(v)
		}
		s.values = append(s.values, v)
	}
	defer func() { clear(s.values) }()
	if err := s.place(need + 1); err != nil { // one more, so that an empty text at the end has an address too
		return err
	}
	at := s.memory
	for i, v := range s.values {
		var rc int32
		switch a := v.(type) {
		case nil:
			rc = sqlite3.Xsqlite3_bind_null(s.c.tls, s.handle, int32(i+1))
		case int64:
			rc = sqlite3.Xsqlite3_bind_int64(s.c.tls, s.handle, int32(i+1), a)
		case int:
			rc = sqlite3.Xsqlite3_bind_int64(s.c.tls, s.handle, int32(i+1), int64(a))
		case bool:
			v := int64(0)
			if a {
				v = 1
			}
			rc = sqlite3.Xsqlite3_bind_int64(s.c.tls, s.handle, int32(i+1), v)
		case float64:
			rc = sqlite3.Xsqlite3_bind_double(s.c.tls, s.handle, int32(i+1), a)
		case string:
			copy(memory(at, len(a)), a)
			rc = sqlite3.Xsqlite3_bind_text(s.c.tls, s.handle, int32(i+1), at, int32(len(a)), sqlite3.SQLITE_STATIC)
			at += uintptr(len(a))
		case []byte:
			if a == nil {
				rc = sqlite3.Xsqlite3_bind_null(s.c.tls, s.handle, int32(i+1))
				break
			}
			copy(memory(at, len(a)), a)
			rc = sqlite3.Xsqlite3_bind_blob(s.c.tls, s.handle, int32(i+1), at, int32(len(a)), sqlite3.SQLITE_STATIC)
			at += uintptr(len(a))
		default:
			return fmt.Errorf("db: argument $%d: a %T cannot be stored", s.order[i]+1, a)
		}
		if rc != sqlite3.SQLITE_OK {
			return s.c.failure(rc)
		}
	}
	return nil
}

// exec runs a statement to its end.
func (c *liteConn) exec(query string, args []any) (driver.Result, error) {
	s, err := c.stmt(query)
	if err != nil {
		return nil, err
	}
	if err := s.bind(args); err != nil {
		return nil, err
	}
	rc := sqlite3.Xsqlite3_step(c.tls, s.handle)
	for rc == sqlite3.SQLITE_ROW {
		rc = sqlite3.Xsqlite3_step(c.tls, s.handle)
	}
	if rc != sqlite3.SQLITE_DONE {
		err = c.failure(rc)
	}
	s.reset()
	if err != nil {
		return nil, err
	}
	return liteResult{c}, nil
}

// liteResult tells about the last statement that changed something. Ask before the next one runs.
type liteResult struct{ c *liteConn }

func (r liteResult) LastInsertId() (int64, error) {
	return sqlite3.Xsqlite3_last_insert_rowid(r.c.tls, r.c.db), nil
}

func (r liteResult) RowsAffected() (int64, error) {
	return int64(sqlite3.Xsqlite3_changes(r.c.tls, r.c.db)), nil
}

func (c *liteConn) do(text string) error {
	_, err := c.exec(text, nil)
	return err
}

func (c *liteConn) query(query string, args []any) (*liteRows, error) {
	s, err := c.stmt(query)
	if err != nil {
		return nil, err
	}
	if err := s.bind(args); err != nil {
		return nil, err
	}
	s.running = true
	return &liteRows{s: s}, nil
}

// liteRows are the rows of a running query. The statement can run again only after Close.
type liteRows struct {
	s      *liteStmt
	on     bool // a row
	err    error
	closed bool
}

func (r *liteRows) Next() bool {
	r.on = false
	if r.err != nil || r.closed {
		return false
	}
	switch rc := sqlite3.Xsqlite3_step(r.s.c.tls, r.s.handle); rc {
	case sqlite3.SQLITE_ROW:
		r.on = true
	case sqlite3.SQLITE_DONE:
		r.Close()
	default:
		r.err = r.s.c.failure(rc)
		r.Close()
	}
	return r.on
}

func (r *liteRows) Err() error { return r.err }

func (r *liteRows) Close() error {
	if !r.closed {
		r.closed, r.on = true, false
		r.s.reset()
	}
	return nil
}

// Scan copies the row into pointers to booleans, integers, strings, byte strings and floats, also of named types. A value
// that does not fit is an error.
func (r *liteRows) Scan(dest ...any) error {
	if !r.on {
		return errors.New("db: there is no row to scan")
	}
	if len(dest) != r.s.columns {
		return fmt.Errorf("db: scan %d columns into %d places", r.s.columns, len(dest))
	}
	for i, d := range dest {
		if err := r.scan(int32(i), d); err != nil {
			return fmt.Errorf("db: scan column %d: %w", i+1, err)
		}
	}
	return nil
}

func (r *liteRows) scan(i int32, dest any) error {
	kind := sqlite3.Xsqlite3_column_type(r.s.c.tls, r.s.handle, i)
	switch d := dest.(type) { // what most places are, without reflection
	case *int64:
		if kind == sqlite3.SQLITE_INTEGER {
			*d = r.number(i)
			return nil
		}
	case *int:
		if kind == sqlite3.SQLITE_INTEGER {
			n := r.number(i)
			*d = int(n)
			if int64(*d) == n {
				return nil
			}
		}
	case *string:
		if kind == sqlite3.SQLITE_TEXT {
			*d = string(r.bytes(i, kind))
			return nil
		}
	case *bool:
		if kind == sqlite3.SQLITE_INTEGER {
			*d = r.number(i) != 0
			return nil
		}
	case *[]byte:
		if kind == sqlite3.SQLITE_BLOB {
			*d = append([]byte(nil), r.bytes(i, kind)...)
			return nil
		}
	}
	return r.scanNamed(i, kind, dest)
}

func (r *liteRows) scanNamed(i, kind int32, dest any) error {
	to := reflect.ValueOf(dest)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		return fmt.Errorf("%T is no place for a value", dest)
	}
	to = to.Elem()
	raw := to.Kind() == reflect.Slice && to.Type().Elem().Kind() == reflect.Uint8
	name := "NULL"
	switch kind {
	case sqlite3.SQLITE_INTEGER:
		name = "a number"
		n := r.number(i)
		switch {
		case to.CanInt() && !to.OverflowInt(n):
			to.SetInt(n)
			return nil
		case to.Kind() == reflect.Bool:
			to.SetBool(n != 0)
			return nil
		case to.CanFloat():
			to.SetFloat(float64(n))
			return nil
		}
	case sqlite3.SQLITE_FLOAT:
		name = "a fraction"
		if to.CanFloat() {
			to.SetFloat(sqlite3.Xsqlite3_column_double(r.s.c.tls, r.s.handle, i))
			return nil
		}
	case sqlite3.SQLITE_TEXT, sqlite3.SQLITE_BLOB:
		name = "text"
		switch {
		case to.Kind() == reflect.String:
			to.SetString(string(r.bytes(i, kind)))
			return nil
		case raw:
			to.SetBytes(append([]byte(nil), r.bytes(i, kind)...))
			return nil
		}
	default:
		if raw {
			to.SetBytes(nil)
			return nil
		}
	}
	return fmt.Errorf("a %s cannot hold %s", to.Type(), name)
}

func (r *liteRows) number(i int32) int64 {
	return sqlite3.Xsqlite3_column_int64(r.s.c.tls, r.s.handle, i)
}

// bytes is the column's text or byte string in SQLite's memory: copy it before anything else.
func (r *liteRows) bytes(i, kind int32) []byte {
	var p uintptr
	if kind == sqlite3.SQLITE_TEXT {
		p = sqlite3.Xsqlite3_column_text(r.s.c.tls, r.s.handle, i)
	} else {
		p = sqlite3.Xsqlite3_column_blob(r.s.c.tls, r.s.handle, i)
	}
	n := int(sqlite3.Xsqlite3_column_bytes(r.s.c.tls, r.s.handle, i))
	if p == 0 || n == 0 {
		return nil
	}
	return memory(p, n)
}
