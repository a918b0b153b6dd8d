package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// liteConn is one SQLite connection with its prepared statements. It speaks to the driver itself: the pool of database/sql
// serves callers that share connections, and here every connection has one user at a time. That leaves out a tenth of what a
// small statement costs.
type liteConn struct {
	conn  driver.Conn
	stmts map[string]driver.Stmt
	args  []driver.NamedValue // of the running statement
}

func (c *liteConn) close() {
	for _, s := range c.stmts {
		s.Close()
	}
	if c.conn != nil {
		c.conn.Close()
	}
	c.conn, c.stmts = nil, nil
}

// stmt returns the prepared form of query.
func (c *liteConn) stmt(query string) (driver.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	text := strings.TrimSpace(query)
	if t, ok := strings.CutSuffix(text, "FOR UPDATE"); ok {
		text = t
	}
	s, err := c.conn.Prepare(text)
	if err != nil {
		return nil, err
	}
	if len(c.stmts) >= 512 { // list filters make new texts; the constant ones come back at once
		for k, old := range c.stmts {
			old.Close()
			delete(c.stmts, k)
			break
		}
	}
	c.stmts[query] = s
	return s, nil
}

// bind makes the driver's values of args. They are good until the next statement of the connection.
func (c *liteConn) bind(args []any) ([]driver.NamedValue, error) {
	c.args = c.args[:0]
	for i, a := range args {
		var v driver.Value
		switch a := a.(type) {
		case nil, int64, string, bool, []byte, float64:
			v = a
		case int:
			v = int64(a)
		default:
			var err error
			if v, err = driver.DefaultParameterConverter.ConvertValue(a); err != nil {
				return nil, fmt.Errorf("argument %d: %w", i+1, err)
			}
		}
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return c.args, nil
}

// The contexts given to the driver never end: a statement that is under way is finished, and no goroutine waits beside it.

func (c *liteConn) exec(query string, args []any) (driver.Result, error) {
	s, err := c.stmt(query)
	if err != nil {
		return nil, err
	}
	values, err := c.bind(args)
	if err != nil {
		return nil, err
	}
	return s.(driver.StmtExecContext).ExecContext(context.Background(), values)
}

func (c *liteConn) query(query string, args []any) (*liteRows, error) {
	s, err := c.stmt(query)
	if err != nil {
		return nil, err
	}
	values, err := c.bind(args)
	if err != nil {
		return nil, err
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(context.Background(), values)
	if err != nil {
		return nil, err
	}
	return &liteRows{rows: rows, row: make([]driver.Value, len(rows.Columns()))}, nil
}

func (c *liteConn) do(text string) error {
	_, err := c.exec(text, nil)
	return err
}

// liteRows are the rows of a running query. The statement can run again only after Close.
type liteRows struct {
	rows   driver.Rows
	row    []driver.Value
	err    error
	closed bool
}

func (r *liteRows) Next() bool {
	if r.err != nil || r.closed {
		return false
	}
	if err := r.rows.Next(r.row); err != nil {
		if !errors.Is(err, io.EOF) {
			r.err = err
		}
		return false
	}
	return true
}

func (r *liteRows) Err() error { return r.err }

func (r *liteRows) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	return r.rows.Close()
}

// Scan copies the row into pointers to booleans, integers, strings, byte strings and floats, also of named types.
func (r *liteRows) Scan(dest ...any) error {
	if len(dest) != len(r.row) {
		return fmt.Errorf("db: scan %d columns into %d places", len(r.row), len(dest))
	}
	for i, d := range dest {
		if !scanPlain(d, r.row[i]) {
			if err := scanNamed(d, r.row[i]); err != nil {
				return fmt.Errorf("db: scan column %d: %w", i+1, err)
			}
		}
	}
	return nil
}

// scanPlain does the types that are no named ones, without reflection.
func scanPlain(dest any, v driver.Value) bool {
	switch d := dest.(type) {
	case *int64:
		n, ok := v.(int64)
		*d = n
		return ok
	case *int:
		n, ok := v.(int64)
		*d = int(n)
		return ok && int64(int(n)) == n
	case *string:
		s, ok := v.(string)
		*d = s
		return ok
	case *bool:
		b, ok := v.(bool)
		*d = b
		return ok
	case *[]byte:
		b, ok := v.([]byte)
		*d = b
		return ok
	}
	return false
}

func scanNamed(dest any, v driver.Value) error {
	to := reflect.ValueOf(dest)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		return fmt.Errorf("%T is no place for a value", dest)
	}
	to = to.Elem()
	switch v := v.(type) {
	case int64:
		switch {
		case to.CanInt() && !to.OverflowInt(v):
			to.SetInt(v)
			return nil
		case to.Kind() == reflect.Bool: // an expression has no declared type
			to.SetBool(v != 0)
			return nil
		case to.CanFloat():
			to.SetFloat(float64(v))
			return nil
		}
	case bool:
		if to.Kind() == reflect.Bool {
			to.SetBool(v)
			return nil
		}
	case float64:
		if to.CanFloat() {
			to.SetFloat(v)
			return nil
		}
	case string:
		switch {
		case to.Kind() == reflect.String:
			to.SetString(v)
			return nil
		case to.Kind() == reflect.Slice && to.Type().Elem().Kind() == reflect.Uint8:
			to.SetBytes([]byte(v))
			return nil
		}
	case []byte:
		switch {
		case to.Kind() == reflect.Slice && to.Type().Elem().Kind() == reflect.Uint8:
			to.SetBytes(v)
			return nil
		case to.Kind() == reflect.String:
			to.SetString(string(v))
			return nil
		}
	case nil:
		if to.Kind() == reflect.Slice && to.Type().Elem().Kind() == reflect.Uint8 { // an empty byte string comes as nothing
			to.SetBytes(nil)
			return nil
		}
		return fmt.Errorf("a %s cannot hold NULL", to.Type())
	}
	return fmt.Errorf("a %s cannot hold a %T", to.Type(), v)
}
