package httpapi

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// deadlines is a writer that notes until when reading and writing may take.
type deadlines struct {
	http.ResponseWriter
	head        http.Header
	read, write time.Time
}

func (d *deadlines) Header() http.Header                { return d.head }
func (d *deadlines) SetReadDeadline(t time.Time) error  { d.read = t; return nil }
func (d *deadlines) SetWriteDeadline(t time.Time) error { d.write = t; return nil }

// paced gives size bytes after each pause, and what a connection gives when its deadline is over.
type paced struct {
	d     *deadlines
	pause time.Duration
	size  int
	left  int
}

func (p *paced) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, io.EOF
	}
	<-time.After(min(p.pause, time.Until(p.d.read)))
	if !time.Now().Before(p.d.read) {
		return 0, os.ErrDeadlineExceeded
	}
	n := min(len(b), p.size, p.left)
	p.left -= n
	return n, nil
}

func TestASlowPhoneMayTakeItsTimeAndADrippingOneNot(t *testing.T) {
	const file = 25 << 20
	for name, c := range map[string]struct {
		pause time.Duration
		size  int
		whole bool
	}{
		"a fast line":                     {time.Millisecond, 32 << 10, true},
		"a phone with 16 kB/s":            {500 * time.Millisecond, 8 << 10, true},
		"a very bad line":                 {1900 * time.Millisecond, 8 << 10, true},
		"a caller who stops":              {2 * time.Minute, 32 << 10, false},
		"a byte per second":               {time.Second, 1, false},
		"a little less than it has to be": {time.Second, 3 << 10, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				d := &deadlines{head: http.Header{}}
				n, err := io.Copy(io.Discard, Stream(d, &http.Request{Body: io.NopCloser(&paced{d, c.pause, c.size, file})}))
				if c.whole && (n != file || err != nil) || !c.whole && !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%d bytes, %v", n, err)
				}
				if took := time.Since(began); took > streamPause+file/streamPace*time.Second {
					t.Errorf("it took %s", took)
				}
				if c.whole && (!d.read.IsZero() || d.head.Get("Connection") != "") || !c.whole && d.head.Get("Connection") != "close" {
					t.Errorf("afterwards: deadline %v, %v", d.read, d.head)
				}
				if d.write.Before(time.Now()) {
					t.Error("there is no time left for the answer")
				}
			})
		})
	}
}

// Whoever stops reading answers at once, and the connection is closed: nobody waits for the rest.
func TestAnAnswerBeforeTheEndOfAFile(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.CopyN(io.Discard, Stream(w, r), 1000)
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	}), nil)
	go s.Serve(l)
	defer s.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(append([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n"), bytes.Repeat([]byte("x"), 2000)...)); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 200)
	n, err := io.ReadAtLeast(conn, head, 30)
	if err != nil || !bytes.HasPrefix(head, []byte("HTTP/1.1 413 ")) || !bytes.Contains(head[:n], []byte("Connection: close")) {
		t.Errorf("%q, %v", head[:n], err)
	}
}
