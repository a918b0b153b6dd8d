package media

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/outhttp"
)

// S-071 to S-074: one GET, a copy of its own, and the message hears of it.
func TestS072RemoteFileIsFetchedOnceAndKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		body := picture(t, 900, 300)
		h.page("/a/photo.png", "text/plain", body) // what the server says of the type counts for nothing
		m := h.remote(t, h.url+"/a/photo.png?token=1#x", "", 7)
		if m.State != event.MediaFetching || m.Name != "photo.png" || m.Kind != event.MediaFile || m.Key == "" {
			t.Errorf("put down as %+v", m)
		}
		if h.called("/a/photo.png") != 0 {
			t.Error("it was fetched before the commit")
		}
		if n := h.runOnce(t); n != 1 {
			t.Errorf("%d errands", n)
		}
		got := h.now(t, m)
		if got.State != event.MediaStored || got.Kind != event.MediaImage || got.ContentType != "image/png" || got.Size != int64(len(body)) || got.Width != 900 || !got.Thumb || got.Name != "photo.png" || got.Key != m.Key {
			t.Errorf("it became %+v", got)
		}
		if !bytes.Equal(h.bytesOf(t, got.Key, got.Size), body) {
			t.Error("the copy differs")
		}
		if n := h.told(); len(n) != 1 || n[0] != (news{7, 7, event.ChangedMedia, 0}) {
			t.Errorf("told %v", n)
		}
		if n := h.runOnce(t); n != 0 || h.called("/a/photo.png") != 1 {
			t.Errorf("%d further errands, %d calls", n, h.called("/a/photo.png"))
		}
	})
}

func TestRemoteRefusesAddressesAtOnce(t *testing.T) {
	h := newFetching(t, dbtest.New(t), nil)
	for _, url := range []string{"", "ftp://example.com/a", "https://a:b@example.com/", "https://example.com/" + strings.Repeat("a", 2000)} {
		err := h.DB.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			_, err := h.Remote(tx, Owner{OwnedByChannel, 1}, url, "")
			return err
		})
		if !fault.Is(err, fault.MediaURL) || fault.As(err).Field != "url" {
			t.Errorf("%.50s: %v", url, err)
		}
	}
}

// S-076: what goes wrong is said in plain words, and can be tried again.
func TestS076FetchThatFailsSaysWhyAndCanBeTriedAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		port := h.url[strings.LastIndex(h.url, ":"):]
		redirect := func(to string) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
		}
		h.serve("/private", redirect("http://127.0.0.2"+port+"/secret"))
		h.serve("/metadata", redirect("http://169.254.169.254/latest"))
		h.serve("/loop", redirect("/loop"))
		h.serve("/scheme", redirect("file:///etc/passwd"))
		h.serve("/announced", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "1048577") })
		h.serve("/endless", func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := io.WriteString(w, strings.Repeat("x", 8192)); err != nil {
					return
				}
			}
		})
		h.serve("/short", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "half")
		})
		h.serve("/zipped", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, "\x1f\x8b")
		})
		h.page("/empty", "image/png", nil)
		h.serve("/teapot", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
		h.serve("/partial", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusPartialContent) })
		h.serve("/rude", func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				io.WriteString(c, "SSH-2.0-x\r\n")
				c.Close()
			}
		})
		want := map[string]string{
			h.url + "/missing": "the server answered 404", h.url + "/teapot": "the server answered 418", h.url + "/partial": "the server answered 206",
			h.url + "/private": "the address is not public", h.url + "/metadata": "the address is not public", "http://127.0.0.2" + port + "/": "the address is not public",
			"http://localhost.:1/": "", "http://[::1]:1/": "the address is not public", h.url + "/loop": "the server redirected more than 3 times",
			h.url + "/scheme": "the server redirected to an address that is not acceptable", h.url + "/announced": "it is larger than 1 MB", h.url + "/endless": "it is larger than 1 MB",
			h.url + "/short": "it is not as long as the server says", h.url + "/zipped": "the server sent it compressed", h.url + "/empty": "it is empty",
			h.url + "/rude": "the server's answer could not be read", "http://127.0.0.1:1/": "the server could not be reached",
		}
		files := map[string]*event.Media{}
		n := 0
		for url := range want {
			n++
			files[url] = h.remote(t, url, "", n)
		}
		if got := h.runOnce(t); got != len(want) {
			t.Errorf("%d errands, want %d", got, len(want))
		}
		for url, m := range files {
			got := h.now(t, m)
			if got.State != event.MediaFailed || got.Error == "" || want[url] != "" && got.Error != want[url] {
				t.Errorf("%s: %+v, want %q", url, got, want[url])
			}
		}
		if got := h.told(); len(got) != len(want) {
			t.Errorf("told %d times of %d failures", len(got), len(want))
		}
		if h.called("/secret") != 0 || h.called("/loop") != 4 {
			t.Error("a private address was called, or a loop followed for too long")
		}

		m := files[h.url+"/missing"]
		h.page("/missing", "text/plain", []byte("here it is"))
		again := func() (ok bool) {
			h.update(t, func(tx *db.Tx) (err error) {
				ok, err = h.Refetch(tx, m.ID)
				return err
			})
			return ok
		}
		if !again() || again() {
			t.Error("a failed file is fetched again, once")
		}
		if got := h.now(t, m); got.State != event.MediaFetching || got.Error != "" {
			t.Errorf("while it is fetched again: %+v", got)
		}
		h.runOnce(t)
		if got := h.now(t, m); got.State != event.MediaStored || string(h.bytesOf(t, got.Key, got.Size)) != "here it is" || len(h.told()) != 1 {
			t.Errorf("at last: %+v", got)
		}
		if again() {
			t.Error("a stored file is fetched again")
		}
	})
}

func TestReasonsAreInPlainWords(t *testing.T) {
	h := newFetching(t, dbtest.New(t), func(o *Options) { o.MaxUpload = 25 << 20 })
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("x: %w", outhttp.ErrLate), "it took longer than 30 s"}, {outhttp.ErrTooLarge, "it is larger than 25 MB"}, {&net.DNSError{}, "the name of the server is not known"},
		{&tls.CertificateVerificationError{Err: errors.New("x")}, "the server's certificate is not valid"}, {errors.New("x"), "the server's answer could not be read"},
	} {
		if got := h.whyNot(c.err); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}

func TestNamesAndTypesOfRemoteFiles(t *testing.T) {
	h := newFetching(t, dbtest.New(t), nil)
	png := picture(t, 10, 10)
	for _, c := range []struct {
		path, given, disposition string
		body                     []byte
		name, kind               string
	}{
		{"/a.png", "", "", png, "a.png", event.MediaImage},
		{"/a.png", "mine.png", `attachment; filename="theirs.png"`, png, "mine.png", event.MediaImage},
		{"/a.png", "", `attachment; filename="theirs.png"`, png, "theirs.png", event.MediaImage},
		{"/get", "", `attachment; filename*=UTF-8''K%C3%A4se.png`, png, "Käse.png", event.MediaImage},
		{"/get", "", `attachment; filename="../../etc/passwd"`, []byte("root"), "passwd", event.MediaFile},
		{"/get", "", `nonsense; ; =`, png, "get.png", event.MediaImage},
		{"/", "", "", []byte("text"), "file", event.MediaFile},
		{"/photo.jpg", "", "", []byte("<!doctype html><html><script>alert(1)</script>"), "", event.MediaFile},
		{"/x.svg", "", "", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "x.svg", event.MediaFile},
	} {
		h.serve(c.path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Disposition", c.disposition)
			w.Header().Set("Content-Type", "image/png")
			w.Write(c.body)
		})
		m := h.remote(t, h.url+c.path, c.given, 1)
		h.runOnce(t)
		if got := h.now(t, m); got.State != event.MediaStored || c.name != "" && got.Name != c.name || got.Kind != c.kind || got.Kind == event.MediaFile && got.Thumb {
			t.Errorf("%s %q %q: %+v, want %s %s", c.path, c.given, c.disposition, got, c.name, c.kind)
		}
	}
}

// Several nodes share the work and never the same file.
func TestS072TwoNodesFetchEachFileOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		other := h.node(t, d, nil)
		for i := range 20 {
			h.page(fmt.Sprint("/", i), "text/plain", []byte("x"))
			h.remote(t, h.url+fmt.Sprint("/", i), "", i+1)
		}
		var both sync.WaitGroup
		for _, n := range []*Desk{h.Desk, other} {
			both.Go(func() {
				if _, err := n.RunOnce(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		for i := range 20 {
			if n := h.called(fmt.Sprint("/", i)); n != 1 {
				t.Errorf("file %d was asked for %d times", i, n)
			}
		}
		if n := len(h.told()); n != 20 {
			t.Errorf("told %d times", n)
		}
	})
}

// A crash leaves a lease behind; when it is over somebody fetches again, and who comes late stores nothing.
func TestFetchThatWasCutOffIsMadeGood(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		h.page("/a", "text/plain", []byte("second"))
		m := h.remote(t, h.url+"/a", "", 1)
		var dead errand
		h.update(t, func(tx *db.Tx) error {
			list, err := dueFiles(tx, errand{}, crowd{}, 10)
			if err != nil || len(list) != 1 {
				return fmt.Errorf("%v, %w", list, err)
			}
			dead = list[0]
			until := db.Micros(tx.Now().Add(fileLease))
			if ok, err := claimFile(tx, dead, until); !ok || err != nil {
				return fmt.Errorf("not claimed: %w", err)
			}
			if ok, err := claimFile(tx, dead, until+1); ok || err != nil {
				return fmt.Errorf("claimed twice: %w", err)
			}
			dead.due = until
			return nil
		})
		if n := h.runOnce(t); n != 0 {
			t.Error("a file that another node has was fetched")
		}
		h.exec(t, `UPDATE media SET due_at = 1`)
		if n := h.runOnce(t); n != 1 {
			t.Error("a lease that is over holds")
		}
		h.update(t, func(tx *db.Tx) error {
			if ok, err := notFetched(tx, dead, "late"); ok || err != nil {
				t.Errorf("who came late stored something (%v)", err)
			}
			return nil
		})
		if got := h.now(t, m); got.State != event.MediaStored || len(h.told()) != 1 {
			t.Errorf("%+v", got)
		}
	})
}

func TestFileOfADeletedMessageIsNotStored(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		asked, answer := make(chan bool), make(chan bool)
		h.serve("/a", func(w http.ResponseWriter, _ *http.Request) {
			asked <- true
			<-answer
			io.WriteString(w, "x")
		})
		m := h.remote(t, h.url+"/a", "", 1)
		done := make(chan error)
		go func() {
			_, err := h.RunOnce(t.Context())
			done <- err
		}()
		<-asked
		h.update(t, func(tx *db.Tx) error { return h.Remove(tx, m.ID) })
		close(answer)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got := h.now(t, m); got != nil || len(h.told()) != 0 {
			t.Errorf("it is there again: %+v", got)
		}
	})
}

// Run begins with the commit, and gives back at its end what is under way.
func TestRunFetchesAtOnceAndStops(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		asked := make(chan bool, 1)
		var hang atomic.Bool
		hang.Store(true)
		h.serve("/slow", func(w http.ResponseWriter, r *http.Request) {
			if hang.Load() {
				asked <- true
				<-r.Context().Done()
			}
			io.WriteString(w, "x")
		})
		h.page("/quick", "text/plain", []byte("x"))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- h.Run(ctx) }()
		quick := h.remote(t, h.url+"/quick", "", 1)
		if n := <-h.changed; n.message != 1 || h.now(t, quick).State != event.MediaStored {
			t.Errorf("%+v", n)
		}
		slow := h.remote(t, h.url+"/slow", "", 2)
		<-asked
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if got := h.now(t, slow); got.State != event.MediaFetching || len(h.told()) != 0 {
			t.Errorf("cut off: %+v", got)
		}
		hang.Store(false)
		if n := h.runOnce(t); n != 1 || h.now(t, slow).State != event.MediaStored {
			t.Errorf("the next start fetched %d files", n)
		}
	})
}

func TestHostsAreNotCrowded(t *testing.T) {
	h := newFetching(t, dbtest.New(t), func(o *Options) {
		o.HTTP = outhttp.New(outhttp.Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	})
	var mu sync.Mutex
	now, most, all, mostOfAll := map[string]int{}, 0, 0, 0
	gate := make(chan bool)
	open := sync.OnceFunc(func() { close(gate) })
	h.serve("/a", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now[r.Host]++
		all++
		most, mostOfAll = max(most, now[r.Host]), max(mostOfAll, all)
		if all == 4 { // two hosts with two calls each: nobody else may come in
			open()
		}
		mu.Unlock()
		<-gate
		io.WriteString(w, "x")
		mu.Lock()
		now[r.Host]--
		all--
		mu.Unlock()
	})
	for i := range 12 {
		h.remote(t, h.url+"/a", "", i+1)
	}
	for i := range 2 { // behind twelve of the other
		h.remote(t, strings.Replace(h.url, "127.0.0.1", "localhost", 1)+"/a", "", 20+i)
	}
	h.runOnce(t)
	if most != perHost || mostOfAll != 2*perHost {
		t.Errorf("%d calls to a host and %d calls at a time", most, mostOfAll)
	}
	if n := len(h.told()); n != 14 {
		t.Errorf("%d files are done", n)
	}
	var none id.Media
	h.update(t, func(tx *db.Tx) error {
		ok, err := h.Refetch(tx, none)
		if ok {
			t.Error("a file that does not exist is fetched again")
		}
		return err
	})
}
