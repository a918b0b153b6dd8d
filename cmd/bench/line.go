//go:build linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"
)

// line is one kept-alive connection that posts JSON with as little work as possible: the load comes from the same cores
// as the server, and what the generator spends the server does not have.
type line struct {
	net.Conn
	in  *bufio.Reader
	out []byte
}

func dialLine(i int, addr string) (*line, error) {
	c, err := dialer(i).Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &line{Conn: c, in: bufio.NewReader(c)}, nil
}

// post sends the body with a header of the caller's and reads the whole answer; anything but a 2xx is an error.
func (l *line) post(host, path, header string, body []byte) error {
	b := append(l.out[:0], "POST "...)
	b = append(b, path...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, host...)
	b = append(b, "\r\nContent-Type: application/json\r\n"...)
	b = append(b, header...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\n\r\n"...)
	b = append(b, body...)
	l.out = b
	if _, err := l.Write(b); err != nil {
		return err
	}
	status, err := l.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(status) < 12 || !bytes.HasPrefix(status, []byte("HTTP/1.1 ")) {
		return fmt.Errorf("POST %s: no HTTP answer: %q", path, status)
	}
	ok := status[9] == '2'
	text := string(status[9:12])
	length, chunked := int64(-1), false
	for {
		h, err := l.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		h = bytes.TrimRight(h, "\r\n")
		if len(h) == 0 {
			break
		}
		if name, value, found := bytes.Cut(h, []byte(":")); found && len(name) == len("Content-Length") && strings.EqualFold(string(name), "Content-Length") {
			if length, err = strconv.ParseInt(textproto.TrimString(string(value)), 10, 64); err != nil {
				return err
			}
		} else if found && strings.EqualFold(string(name), "Transfer-Encoding") {
			chunked = true
		}
	}
	if chunked { // an answer of more than 2 KB
		answer, err := io.ReadAll(httputil.NewChunkedReader(l.in))
		if err == nil {
			_, err = l.in.Discard(len("\r\n")) // there are no trailers
		}
		if err == nil && !ok {
			err = fmt.Errorf("POST %s: %s %s", path, text, answer)
		}
		return err
	}
	if length < 0 {
		return errors.New("the answer has no Content-Length")
	}
	if ok {
		_, err := l.in.Discard(int(length))
		return err
	}
	answer := make([]byte, length)
	if _, err := io.ReadFull(l.in, answer); err != nil {
		return err
	}
	return fmt.Errorf("POST %s: %s %s", path, text, answer)
}
