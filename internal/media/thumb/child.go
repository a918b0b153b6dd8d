package thumb

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"time"
)

const (
	// childTime is how much of a processor's time a child may take. The largest honest pictures need a third of it.
	childTime = 3 * time.Second
	// childWall is how long a child may take: on a machine with much else to do an honest picture waits for its turns.
	childWall = 15 * time.Second
	// childHeap is what a child's heap should stay below, and childSpace by how much its address space may grow over what the
	// program takes to start: maxDecoded, what the scaler needs, and what the runtime holds on top.
	childHeap  = 320 << 20
	childSpace = 400 << 20
	// childSays is how much of a child's complaint is kept, in bytes.
	childSays = 200
)

// Child returns a function that has a child process do what Make does. path is the program, with the arguments with which it calls
// Serve. The child reads the file itself, gets no environment, and is killed when it takes too long. Whatever makes it fail once it
// runs, its time too, is an ErrImage: bytes that bring one decoder down are shown to none.
func Child(path string, args ...string) func(context.Context, *os.File) (*Picture, error) {
	return child(childWall, path, args...)
}

func child(most time.Duration, path string, args ...string) func(context.Context, *os.File) (*Picture, error) {
	return func(ctx context.Context, file *os.File) (*Picture, error) {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("read the picture from its start: %w", err)
		}
		limited, cancel := context.WithTimeout(ctx, most)
		defer cancel()
		cmd := exec.CommandContext(limited, path, args...)
		cmd.Env = []string{"GOMAXPROCS=2", "GOGC=50"}
		cmd.Stdin = file
		says := &head{limit: childSays}
		out := &head{limit: MaxBytes + 64}
		cmd.Stdout, cmd.Stderr = out, says
		cmd.WaitDelay = time.Second
		if err := cmd.Start(); err != nil {
			return nil, fmt.Errorf("start the child that makes small pictures: %w", err)
		}
		if err := cmd.Wait(); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if limited.Err() != nil {
				return nil, fmt.Errorf("%w: the small picture took longer than %s", ErrImage, most)
			}
			return nil, fmt.Errorf("%w: %w: %s", ErrImage, err, bytes.TrimSpace(says.b))
		}
		p, err := readAnswer(bytes.NewReader(out.b))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrImage, err)
		}
		return p, nil
	}
}

// Serve is the child's side: it limits the process, reads an image from in, and writes the answer to out.
func Serve(in *os.File, out io.Writer) error {
	debug.SetMemoryLimit(childHeap)
	offerProcess()
	if err := limitProcess(childSpace, childTime); err != nil {
		return fmt.Errorf("limit the process: %w", err)
	}
	p, err := Make(in)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "thumb %d %d %d\n", p.Width, p.Height, len(p.Bytes)); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	if _, err := out.Write(p.Bytes); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// readAnswer reads what Serve wrote. It believes nothing: the child read a stranger's bytes.
func readAnswer(r io.Reader) (*Picture, error) {
	in := bufio.NewReader(r)
	var p Picture
	var size int
	if _, err := fmt.Fscanf(in, "thumb %d %d %d\n", &p.Width, &p.Height, &size); err != nil {
		return nil, fmt.Errorf("the child's answer: %w", err)
	}
	if p.Width < 1 || p.Height < 1 || p.Width > MaxSide || p.Height > MaxSide || size < 1 || size > MaxBytes {
		return nil, errors.New("the child's answer makes no sense")
	}
	p.Bytes = make([]byte, size)
	if _, err := io.ReadFull(in, p.Bytes); err != nil {
		return nil, fmt.Errorf("the child's answer: %w", err)
	}
	return &p, nil
}

// head keeps the first bytes that are written to it, and swallows the rest.
type head struct {
	b     []byte
	limit int
}

// Write implements io.Writer.
func (h *head) Write(p []byte) (int, error) {
	h.b = append(h.b, p[:min(len(p), h.limit-len(h.b))]...)
	return len(p), nil
}
