package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/media/thumb"
	"parley/internal/secret"
)

var ann = Owner{OwnedByOperator, 1}

const base = "https://chat.example"

// deskOver is a desk over a database, with its files in folders of the test's own.
func deskOver(t *testing.T, d *db.DB, change func(*Options)) *Desk {
	t.Helper()
	o := Options{DB: d, Links: NewLinks(base, []byte("a key")), Dir: t.TempDir(), MaxUpload: 1 << 20}
	if change != nil {
		change(&o)
	}
	if o.Store == nil {
		o.Store = diskStore(t)
	}
	return New(o)
}

// names are the files in a folder of a test, without the folders in it.
func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			out = append(out, filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (d *Desk) folder(t *testing.T) string {
	t.Helper()
	return d.Store.(*Disk).root.Name()
}

func upload(t *testing.T, d *Desk, name string, b []byte) *event.Media {
	t.Helper()
	m, err := d.Upload(t.Context(), ann, Upload{Name: name}, bytes.NewReader(b))
	if err != nil {
		t.Fatalf("upload %s: %v", name, err)
	}
	return m
}

// update runs fn in a transaction and returns its error.
func update(t *testing.T, d *Desk, fn func(tx *db.Tx) error) error {
	t.Helper()
	return d.DB.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { return fn(tx) })
}

// send takes an upload for a message.
func send(t *testing.T, d *Desk, key string, message id.Message, owners ...Owner) (m *event.Media, err error) {
	t.Helper()
	err = update(t, d, func(tx *db.Tx) error {
		if m, err = d.Take(tx, key, owners...); err != nil {
			return err
		}
		return d.Bind(tx, m, 7, message)
	})
	return m, err
}

func photo(t testing.TB, w, h int) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = byte(i) | 3
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// get asks the handler, as a browser would. code is the fault where there was one.
func get(t *testing.T, d *Desk, method, address string, header ...string) (w *httptest.ResponseRecorder, code fault.Code) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("GET /media/{key}/{name}", d.Handler(func(w http.ResponseWriter, _ *http.Request, err error) {
		code = fault.As(err).Code
		w.WriteHeader(http.StatusTeapot)
	}))
	r := httptest.NewRequest(method, strings.TrimPrefix(address, base), nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w = httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w, code
}

func TestAnUploadIsTakenOnceByItsOwner(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, over *db.DB) {
		d := deskOver(t, over, nil)
		m := upload(t, d, "report.pdf", []byte("%PDF-1.7 hello"))
		if m.ID == 0 || m.Kind != event.MediaPDF || m.Name != "report.pdf" || m.Size != 14 || m.State != event.MediaStored || m.Thumb {
			t.Errorf("%+v", m)
		}
		for name, try := range map[string]struct {
			key    string
			owners []Owner
		}{
			"another operator":           {m.Key, []Owner{{OwnedByOperator, 2}}},
			"a contact of the same id":   {m.Key, []Owner{{OwnedByContact, 1}, {OwnedByWidget, 1}}},
			"nobody":                     {m.Key, nil},
			"a key that does not exist":  {"nothing", []Owner{ann}},
			"a key in other letter case": {strings.ToUpper(m.Key) + "x", []Owner{ann}},
		} {
			if _, err := send(t, d, try.key, 1, try.owners...); !fault.Is(err, fault.MediaNotFound) {
				t.Errorf("taken by %s: %v", name, err)
			}
		}
		taken, err := send(t, d, m.Key, 5, Owner{OwnedByContact, 3}, ann)
		if err != nil {
			t.Fatal(err)
		}
		if taken.ID != m.ID || taken.State != event.MediaStored || taken.Name != m.Name {
			t.Errorf("taken is %+v", taken)
		}
		if _, err := send(t, d, m.Key, 6, ann); !fault.Is(err, fault.MediaNotFound) {
			t.Errorf("taken twice: %v", err)
		}
		err = update(t, d, func(tx *db.Tx) error { return d.Bind(tx, m, 7, 8) })
		if !fault.Is(err, fault.MediaNotFound) {
			t.Errorf("bound twice: %v", err)
		}
		err = d.DB.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			known, err := Files(tx, m.ID, 999)
			if len(known) != 1 || known[m.ID] == nil || known[m.ID].Key != m.Key || known[m.ID].State != event.MediaStored {
				t.Errorf("the file is read as %+v", known)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestOneOfManyMessagesGetsTheFile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, over *db.DB) {
		d := deskOver(t, over, nil)
		m := upload(t, d, "a.txt", []byte("words"))
		var won atomic.Int32
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				if _, err := send(t, d, m.Key, id.Message(i+1), ann); err == nil {
					won.Add(1)
				} else if !fault.Is(err, fault.MediaNotFound) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%d messages have it", won.Load())
		}
	})
}

func TestThePurgeUsesItsIndex(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, over *db.DB) {
		d := deskOver(t, over, nil)
		err := update(t, d, func(tx *db.Tx) error {
			for i := range 2000 {
				m := &event.Media{Key: fmt.Sprintf("key-%020d", i), Kind: event.MediaFile, Name: "x", ContentType: "text/plain", Size: 5}
				if err := insertMedia(tx, m, event.MediaStored, 0, ann, "", time.Time{}); err != nil {
					return err
				}
			}
			_, err := tx.Exec("ANALYZE")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		explain := "EXPLAIN QUERY PLAN "
		if over.Engine() == db.Postgres {
			explain = "EXPLAIN "
		}
		err = update(t, d, func(tx *db.Tx) error {
			plan, err := db.All(tx, explain+sqlCondemn, []any{int64(1), 100, int64(2)}, func(r db.Scanner) (line string, err error) {
				if over.Engine() == db.Postgres {
					err = r.Scan(&line)
				} else {
					var n int64
					err = r.Scan(&n, &n, &n, &line)
				}
				return line, err
			})
			if !strings.Contains(strings.Join(plan, "\n"), "media_purge") {
				t.Errorf("the plan is\n%s", strings.Join(plan, "\n"))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestAVoiceNoteIsSound(t *testing.T) {
	d := deskOver(t, dbtest.New(t), nil)
	note := Upload{Name: "voice", Voice: true, DurationMS: 2500, Peaks: []int{0, 50, 100}}
	for name, c := range map[string]struct {
		bytes []byte
		kind  string
	}{
		"chrome": {webm(2), event.MediaVoice}, "firefox": {ogg("OpusHead"), event.MediaVoice}, "safari": {mp4("iso5", "soun"), event.MediaVoice},
		"a film": {webm(1, 2), event.MediaVideo}, "a page": {[]byte("<html>"), event.MediaFile}, "a picture": {photo(t, 20, 10), event.MediaImage},
	} {
		m, err := d.Upload(t.Context(), ann, note, bytes.NewReader(c.bytes))
		if err != nil {
			t.Fatal(err)
		}
		if voice := c.kind == event.MediaVoice; m.Kind != c.kind || (m.DurationMS == 2500) != voice || (len(m.Peaks) == 3) != voice {
			t.Errorf("%s: %+v", name, m)
		}
		if taken, err := send(t, d, m.Key, 1, ann); err != nil || len(taken.Peaks) != len(m.Peaks) || taken.DurationMS != m.DurationMS {
			t.Errorf("%s: kept as %+v, %v", name, taken, err)
		}
	}
	if m, err := d.Upload(t.Context(), ann, Upload{Name: "song.ogg"}, bytes.NewReader(ogg("OpusHead"))); err != nil || m.Kind != event.MediaAudio {
		t.Errorf("sound that nobody recorded here: %+v, %v", m, err)
	}
	for _, bad := range []Upload{{DurationMS: -1}, {DurationMS: int(25 * time.Hour / time.Millisecond)}, {Peaks: make([]int, 65)}, {Peaks: []int{101}}, {Peaks: []int{-1}}} {
		if _, err := d.Upload(t.Context(), ann, bad, bytes.NewReader(ogg("OpusHead"))); !fault.Is(err, fault.FieldInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestWhatCannotBeStoredIsRefused(t *testing.T) {
	d := deskOver(t, dbtest.New(t), nil)
	limited := fault.New(fault.RequestLimited, "too much")
	for name, c := range map[string]struct {
		r    io.Reader
		code fault.Code
	}{
		"nothing":             {strings.NewReader(""), fault.MediaEmpty},
		"a byte too much":     {io.LimitReader(zeros{}, 1<<20+1), fault.MediaTooLarge},
		"a file without end":  {zeros{}, fault.MediaTooLarge},
		"a caller who leaves": {io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF)), fault.RequestMalformed},
		"a caller who drips":  {io.MultiReader(strings.NewReader("half"), iotest.ErrReader(os.ErrDeadlineExceeded)), fault.RequestMalformed},
		"a caller's limit":    {io.MultiReader(strings.NewReader("half"), iotest.ErrReader(limited)), fault.RequestLimited},
	} {
		if _, err := d.Upload(t.Context(), ann, Upload{Name: "x"}, c.r); !fault.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if left := append(names(t, d.Dir), names(t, d.folder(t))...); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if m := upload(t, d, "x", make([]byte, 1<<20)); m.Size != 1<<20 {
		t.Errorf("a file of the greatest size: %+v", m)
	}
}

// The bytes pass through a file: what an upload needs of the memory does not grow with it.
func TestALargeFileIsNeverInMemory(t *testing.T) {
	const size = 20 << 20
	eachStore(t, func(t *testing.T, s Store) {
		if _, fake := s.(*S3); fake {
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })) // the other one keeps bytes in memory
			defer server.Close()
			s = NewS3(S3Options{Endpoint: server.URL, Region: "eu-central-1", Bucket: "files", Key: "k", Secret: secret.Of("s")})
		}
		d := deskOver(t, dbtest.New(t), func(o *Options) { o.Store, o.MaxUpload = s, 2*size })
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := d.Upload(t.Context(), ann, Upload{Name: "large.bin"}, io.LimitReader(zeros{}, size))
		runtime.ReadMemStats(&after)
		if err != nil || m.Size != size {
			t.Fatalf("%+v, %v", m, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
			t.Errorf("%d bytes of memory were used", used)
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestHostileFilesAreFilesToBeSaved(t *testing.T) {
	d := deskOver(t, dbtest.New(t), nil)
	var drawing bytes.Buffer
	m := image.NewGray(image.Rect(0, 0, 200, 100))
	m.Set(3, 3, color.White)
	if err := png.Encode(&drawing, m); err != nil {
		t.Fatal(err)
	}
	bomb := append([]byte{}, drawing.Bytes()...)
	copy(bomb[16:], []byte{0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30}) // says that it has 30000 × 30000 pixels; its check sum is wrong, too
	page := []byte("<script>alert(document.cookie)</script>")
	polyglot := append(photo(t, 30, 20), page...)
	for _, c := range []struct {
		given, name string
		bytes       []byte
		kind, as    string
		thumb       bool
	}{
		{"photo.html", "photo.jpg", polyglot, event.MediaImage, "image/jpeg", true},
		{"logo.svg", "logo.svg", []byte("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>"), event.MediaFile, opaqueType, false},
		{"logo.png", "logo.svg", []byte("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"), event.MediaFile, opaqueType, false},
		{"page.html", "page.html", page, event.MediaFile, opaqueType, false},
		{"invoice.pdf", "invoice.html", []byte("<html>" + string(page)), event.MediaFile, opaqueType, false},
		{"invoice.pdf", "invoice.pdf", []byte("%PDF-1.7\n/OpenAction << /JS (app.alert(1)) >>"), event.MediaPDF, "application/pdf", false},
		{"../../x/photo.png", "photo.png", drawing.Bytes(), event.MediaImage, "image/png", true},
		{"bomb.png", "bomb.png", bomb, event.MediaFile, opaqueType, false},
		{"half.jpg", "half.jpg", photo(t, 300, 200)[:900], event.MediaFile, opaqueType, false},
		{"script.gif", "script.gif", []byte("GIF89a/*" + strings.Repeat(" ", 200) + "*/=1;alert(1)"), event.MediaFile, opaqueType, false},
		{"song.mp3", "song.bin", []byte{0, 1, 2, 3, 4, 200}, event.MediaFile, opaqueType, false},
		{"x.exe", "x.exe", append([]byte("MZ\x90\x00"), make([]byte, 200)...), event.MediaFile, opaqueType, false},
		{"\u202egpj.exe\r\nSet-Cookie: a=b", "gpj.exe Set-Cookie_ a=b", []byte("MZ\x90\x00"), event.MediaFile, opaqueType, false},
	} {
		m := upload(t, d, c.given, c.bytes)
		if m.Kind != c.kind || m.Name != c.name || m.Thumb != c.thumb {
			t.Errorf("%s: kind %s, name %q, thumb %t", c.given, m.Kind, m.Name, m.Thumb)
		}
		for address, thumb := range map[string]bool{d.Links.URL(m, d.DB.Now()): false, d.Links.Thumb(m, d.DB.Now()): true} {
			if address == "" {
				continue
			}
			w, code := get(t, d, "GET", address)
			h := w.Header()
			if w.Code != 200 || code != "" || !thumb && !bytes.Equal(w.Body.Bytes(), c.bytes) {
				t.Fatalf("%s: %d, %s", c.given, w.Code, code)
			}
			if thumb && bytes.Contains(w.Body.Bytes(), []byte("script")) {
				t.Errorf("%s: what hides in the original came into the small picture", c.given)
			}
			if !thumb && h.Get("Content-Type") != c.as {
				t.Errorf("%s is served as %s, want %s", c.given, h.Get("Content-Type"), c.as)
			}
			csp, how, _ := strings.Cut(h.Get("Content-Disposition"), ";")
			if wantInline := thumb || c.as != opaqueType; (csp == "inline") != wantInline || !wantInline && csp != "attachment" || how == "" {
				t.Errorf("%s: disposition %s", c.given, h.Get("Content-Disposition"))
			}
			policy := h.Get("Content-Security-Policy")
			if !strings.Contains(policy, "default-src 'none'") || c.as != "application/pdf" && !strings.HasPrefix(policy, "sandbox;") ||
				h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cross-Origin-Resource-Policy") != "cross-origin" || h.Get("Set-Cookie") != "" || h.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: %v", c.given, h)
			}
		}
	}
}

func TestNamesInHeaders(t *testing.T) {
	for name, want := range map[string]string{
		"photo.jpg":     `inline; filename="photo.jpg"`,
		`a"b\c%.jpg`:    `inline; filename="a_b_c_.jpg"; filename*=UTF-8''a%22b%5Cc%25.jpg`,
		"Grüße (1).jpg": `inline; filename="Gr__e (1).jpg"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%281%29.jpg`,
		"it's; a=b.txt": `inline; filename="it's; a=b.txt"`,
	} {
		if got := disposition(name, true); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestServing(t *testing.T) {
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		synctest.Test(t, func(t *testing.T) {
			over := open()
			defer over.Close()
			d := deskOver(t, over, nil)
			content := append([]byte("%PDF-1.7 "), bytesOf(5000)...)
			m := upload(t, d, "Grüße.pdf", content)
			address := d.Links.URL(m, d.DB.Now())
			if !strings.HasPrefix(address, base+"/media/"+m.Key+"/Gr%C3%BC%C3%9Fe.pdf?e=") || d.Links.Thumb(m, d.DB.Now()) != "" {
				t.Errorf("the address is %s", address)
			}
			w, _ := get(t, d, "GET", address)
			if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), content) || w.Header().Get("Accept-Ranges") != "bytes" ||
				!strings.HasPrefix(w.Header().Get("Cache-Control"), "private, max-age=6") || !strings.HasSuffix(w.Header().Get("Cache-Control"), ", immutable") {
				t.Errorf("%d, %v", w.Code, w.Header())
			}
			etag := w.Header().Get("ETag")
			if w, _ := get(t, d, "HEAD", address); w.Code != 200 || w.Body.Len() > 0 || w.Header().Get("Content-Length") != fmt.Sprint(len(content)) {
				t.Errorf("HEAD: %d, %d bytes, %v", w.Code, w.Body.Len(), w.Header())
			}
			for header, c := range map[string]struct {
				status int
				body   []byte
			}{
				"bytes=0-9":       {206, content[:10]},
				"bytes=100-":      {206, content[100:]},
				"bytes=-7":        {206, content[len(content)-7:]},
				"bytes=5000-9999": {206, content[5000:]},
				"bytes=9999-":     {416, nil},
				"bytes=9-3":       {416, nil},
				"lines=1-2":       {416, nil},
			} {
				w, _ := get(t, d, "GET", address, "Range", header)
				if w.Code != c.status || c.body != nil && !bytes.Equal(w.Body.Bytes(), c.body) {
					t.Errorf("%s: %d, %d bytes", header, w.Code, w.Body.Len())
				}
			}
			if w, _ := get(t, d, "GET", address, "If-None-Match", etag); w.Code != 304 {
				t.Errorf("asked again: %d", w.Code)
			}
			if w, _ := get(t, d, "GET", address, "Range", "bytes=0-9", "If-Range", `"another"`); w.Code != 200 {
				t.Errorf("a part of another file: %d", w.Code)
			}
			if w, _ := get(t, d, "POST", address); w.Code != 405 {
				t.Errorf("POST: %d", w.Code)
			}

			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			other := upload(t, d, "other.pdf", content)
			forged := func(change func(q url.Values)) string {
				v, q := *u, u.Query()
				change(q)
				v.RawQuery = q.Encode()
				return v.String()
			}
			for name, address := range map[string]string{
				"no signature":            strings.Split(address, "?")[0],
				"an empty signature":      forged(func(q url.Values) { q.Set("s", "") }),
				"a wrong signature":       forged(func(q url.Values) { q.Set("s", "AAAAAAAAAAAAAAAAAAAAAAAA") }),
				"a later end":             forged(func(q url.Values) { q.Set("e", "99999999999") }),
				"an end that is none":     forged(func(q url.Values) { q.Set("e", "tomorrow") }),
				"the small picture":       forged(func(q url.Values) { q.Set("v", "thumb") }),
				"another file":            strings.Replace(address, m.Key, other.Key, 1),
				"a file that is not":      strings.Replace(address, m.Key, "nothing", 1),
				"another server's key":    NewLinks(base, []byte("another key")).URL(m, d.DB.Now()),
				"a small picture of none": d.Links.address(m, d.DB.Now(), variantThumb),
			} {
				if w, code := get(t, d, "GET", address); code != fault.MediaNotFound {
					t.Errorf("%s: %d %s", name, w.Code, code)
				}
			}

			if _, err := send(t, d, m.Key, 5, ann); err != nil {
				t.Fatal(err)
			}
			time.Sleep(LinkFor)
			if w, code := get(t, d, "GET", address); w.Code != 200 {
				t.Errorf("after %s: %s", LinkFor, code)
			}
			time.Sleep(24*time.Hour + time.Second)
			if _, code := get(t, d, "GET", address); code != fault.MediaExpired {
				t.Errorf("after its end: %s", code)
			}
			if w, code := get(t, d, "GET", d.Links.URL(m, d.DB.Now())); w.Code != 200 {
				t.Errorf("a new address: %s", code)
			}
			if err := d.drop(t.Context(), m.Key); err != nil {
				t.Fatal(err)
			}
			if _, code := get(t, d, "GET", d.Links.URL(m, d.DB.Now())); code != fault.InternalError {
				t.Errorf("a file that the store has lost: %s", code)
			}
		})
	})
}

func TestThePurge(t *testing.T) {
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		synctest.Test(t, func(t *testing.T) {
			over := open()
			defer over.Close()
			d := deskOver(t, over, nil)
			purge := func(want int) {
				t.Helper()
				if n, err := d.PurgeOnce(t.Context()); n != want || err != nil {
					t.Errorf("%d files are gone, %v; want %d", n, err, want)
				}
			}
			sent, loose := upload(t, d, "sent.jpg", photo(t, 30, 20)), upload(t, d, "loose.jpg", photo(t, 30, 20))
			if _, err := send(t, d, sent.Key, 5, ann); err != nil {
				t.Fatal(err)
			}
			time.Sleep(LooseFor - time.Second)
			purge(0)
			time.Sleep(2 * time.Second)
			purge(1)
			purge(0)
			if _, err := send(t, d, loose.Key, 6, ann); !fault.Is(err, fault.MediaNotFound) {
				t.Errorf("what is gone can be sent: %v", err)
			}
			if left := names(t, d.folder(t)); len(left) != 2 || !strings.HasPrefix(left[0], sent.Key) {
				t.Errorf("the store has %v, not the file that was sent and its small picture", left)
			}
			if err := update(t, d, func(tx *db.Tx) error {
				return errors.Join(d.Remove(tx, sent.ID), d.Remove(tx, sent.ID), d.Remove(tx, 999))
			}); err != nil {
				t.Fatal(err)
			}
			if _, code := get(t, d, "GET", d.Links.URL(sent, d.DB.Now())); code != fault.MediaNotFound {
				t.Errorf("a removed file: %s", code)
			}
			if err := d.DB.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
				known, err := Files(tx, sent.ID)
				if len(known) > 0 {
					t.Errorf("a removed file is known as %+v", known)
				}
				return err
			}); err != nil {
				t.Error(err)
			}
			purge(0) // a fetch may be writing it
			time.Sleep(removedFor)
			purge(1)
			if left := names(t, d.folder(t)); len(left) > 0 {
				t.Errorf("the store still has %v", left)
			}
		})
	})
}

// A process that dies anywhere in an upload leaves a row behind that the purge finds, and no message can have it.
func TestAnUploadThatIsCutOffIsPurged(t *testing.T) {
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		synctest.Test(t, func(t *testing.T) {
			s := &fails{Store: diskStore(t), puts: -1}
			over := open()
			defer over.Close()
			d := deskOver(t, over, func(o *Options) { o.Store = s })
			for puts := range 2 { // none, the small picture only
				s.puts = puts
				if _, err := d.Upload(t.Context(), ann, Upload{Name: "a.jpg"}, bytes.NewReader(photo(t, 30, 20))); err == nil {
					t.Fatal("a file that could not be stored is taken")
				}
			}
			s.puts = -1
			var keys []string
			if err := update(t, d, func(tx *db.Tx) error {
				m := &event.Media{Key: strings.Repeat("k", 20), Kind: event.MediaFile, Name: "written.txt", ContentType: "text/plain", Size: 5}
				keys = append(keys, m.Key)
				return insertMedia(tx, m, stateWriting, 0, ann, "", tx.Now().Add(writingFor))
			}); err != nil {
				t.Fatal(err)
			}
			if err := s.Store.Put(t.Context(), keys[0], strings.NewReader("hello"), 5); err != nil { // whole, but not settled
				t.Fatal(err)
			}
			if _, err := send(t, d, keys[0], 1, ann); !fault.Is(err, fault.MediaNotFound) {
				t.Errorf("a file that is still being written is taken: %v", err)
			}
			if n, err := d.PurgeOnce(t.Context()); n != 0 || err != nil {
				t.Errorf("what may still be written is gone: %d, %v", n, err)
			}
			time.Sleep(writingFor)
			s.deletes = 0
			if n, err := d.PurgeOnce(t.Context()); n != 0 || err == nil {
				t.Errorf("a store that deletes nothing: %d, %v", n, err)
			}
			s.deletes = -1
			if n, err := d.PurgeOnce(t.Context()); n != 0 || err != nil {
				t.Errorf("at once: %d, %v", n, err)
			}
			time.Sleep(purgeAgain)
			if n, err := d.PurgeOnce(t.Context()); n != 3 || err != nil {
				t.Errorf("the next try: %d, %v", n, err)
			}
			if left := names(t, s.Store.(*Disk).root.Name()); len(left) > 0 {
				t.Errorf("the store has %v", left)
			}
			// An upload that took so long that the purge was quicker is an error, not a file that is not there.
			if err := d.settle(t.Context(), 1); err == nil {
				t.Error("a file is settled that the purge has taken")
			}
		})
	})
}

// fails is a store that does only so many things; -1 means all.
type fails struct {
	Store
	puts, deletes int
}

func (f *fails) Put(ctx context.Context, key string, r io.ReadSeeker, size int64) error {
	if f.puts == 0 {
		return errors.New("the store is full")
	}
	f.puts--
	return f.Store.Put(ctx, key, r, size)
}

func (f *fails) Delete(ctx context.Context, key string) error {
	if f.deletes == 0 {
		return errors.New("the store is away")
	}
	return f.Store.Delete(ctx, key)
}

func TestAFailedThumbnailFailsNoUpload(t *testing.T) {
	small := photo(t, 30, 20)
	large := append(small, make([]byte, maxUntried)...)
	huge := bytes.Replace(small, []byte{0, 20, 0, 30}, []byte{0x40, 0, 0x40, 0}, 1) // says that it has 268 megapixels
	for name, c := range map[string]struct {
		bytes []byte
		err   error
		kind  string
	}{
		"the bytes are to blame":                        {small, fmt.Errorf("decode: %w", thumb.ErrImage), event.MediaFile},
		"the child could not be made":                   {small, errors.New("no more processes"), event.MediaImage},
		"the child could not be made for a large file":  {large, errors.New("no more processes"), event.MediaFile},
		"the child could not be made for a huge canvas": {huge, errors.New("no more processes"), event.MediaFile},
	} {
		d := deskOver(t, dbtest.New(t), func(o *Options) {
			o.MaxUpload = 4 << 20
			o.Thumbnail = func(context.Context, *os.File) (*thumb.Picture, error) { return nil, c.err }
		})
		if m := upload(t, d, "a.jpg", c.bytes); m.Kind != c.kind || m.Thumb || m.Width != 0 {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// Somebody who keeps the decoder busy keeps others of the same side waiting for a moment, and operators not at all.
func TestNobodyHoldsThePlacesOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := dbtest.New(t)
		defer over.Close()
		slow := photo(t, 64, 20)
		d := deskOver(t, over, func(o *Options) {
			o.Thumbnail = func(ctx context.Context, f *os.File) (*thumb.Picture, error) {
				if s, err := thumb.Check(f); err == nil && s.Width == 64 {
					time.Sleep(3 * time.Second)
					return nil, thumb.ErrImage
				}
				return &thumb.Picture{Width: 30, Height: 20, Bytes: []byte("\xff\xd8\xff")}, nil
			}
		})
		widget := Owner{OwnedByWidget, 1}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if m, err := d.Upload(t.Context(), widget, Upload{Name: "a.jpg", From: "192.0.2.1"}, bytes.NewReader(slow)); err != nil || m.Thumb {
					t.Errorf("%+v, %v", m, err)
				}
			})
		}
		synctest.Wait()
		for name, c := range map[string]struct {
			owner Owner
			from  string
			most  time.Duration
		}{"an operator": {ann, "", 0}, "another visitor": {widget, "192.0.2.2", 3 * time.Second}, "a visitor who is known": {Owner{OwnedByContact, 1}, "", 3 * time.Second}} {
			began := time.Now()
			m, err := d.Upload(t.Context(), c.owner, Upload{Name: "a.jpg", From: c.from}, bytes.NewReader(photo(t, 30, 20)))
			if took := time.Since(began); err != nil || !m.Thumb || took > c.most {
				t.Errorf("%s: %+v, %v after %s", name, m, err, took)
			}
		}
		began := time.Now()
		all.Wait()
		if took := time.Since(began); took > turnWait+3*time.Second {
			t.Errorf("the last of them waited %s", took)
		}
		if n := len(d.turns.keys); n > 0 {
			t.Errorf("%d keys are left", n)
		}
	})
}

func TestLargePicturesAreMadeOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns()
		end, err := turns.take(t.Context(), fromTeam, "a", true)
		if err != nil {
			t.Fatal(err)
		}
		small, err := turns.take(t.Context(), fromVisitors, "b", false)
		if err != nil {
			t.Fatal(err)
		}
		small()
		if _, err := turns.take(t.Context(), fromVisitors, "b", true); !errors.Is(err, errBusy) {
			t.Errorf("two large ones: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := turns.take(ctx, fromTeam, "a", false); !errors.Is(err, context.Canceled) {
			t.Errorf("who has left waits on: %v", err)
		}
		end()
		for _, s := range []side{fromTeam, fromVisitors, outside} {
			end, err := turns.take(t.Context(), s, "a", true)
			if err != nil {
				t.Fatal(err)
			}
			end()
		}
	})
}

func TestFilesOnS3(t *testing.T) {
	s, _ := s3Store(t, nil)
	d := deskOver(t, dbtest.New(t), func(o *Options) { o.Store = s })
	content := photo(t, 800, 600)
	m := upload(t, d, "a.jpg", content)
	for address, want := range map[string]int{d.Links.URL(m, d.DB.Now()): len(content), d.Links.Thumb(m, d.DB.Now()): 0} {
		w, code := get(t, d, "GET", address)
		if w.Code != 200 || want > 0 && !bytes.Equal(w.Body.Bytes(), content) {
			t.Errorf("%d %s", w.Code, code)
		}
		if c, err := jpeg.DecodeConfig(w.Body); err != nil || want == 0 && c.Width != thumb.Side {
			t.Errorf("%+v, %v", c, err)
		}
	}
	if w, _ := get(t, d, "GET", d.Links.URL(m, d.DB.Now()), "Range", "bytes=100-199"); w.Code != 206 || !bytes.Equal(w.Body.Bytes(), content[100:200]) {
		t.Errorf("a part: %d", w.Code)
	}
}

// Each call of the storage costs money, and a stranger with an address may ask as often as they like.
func TestAViewIsOneCallOfTheStorage(t *testing.T) {
	var calls atomic.Int32
	s, _ := s3Store(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			calls.Add(1)
		}
		return false
	})
	d := deskOver(t, dbtest.New(t), func(o *Options) { o.Store = s })
	content := photo(t, 800, 600)
	m := upload(t, d, "a.jpg", content)
	whole, small := d.Links.URL(m, d.DB.Now()), d.Links.Thumb(m, d.DB.Now())
	for name, c := range map[string]struct {
		method, address string
		header          []string
		status          int
		calls           int32
	}{
		"a view":                   {"GET", whole, nil, 200, 1},
		"the small picture":        {"GET", small, nil, 200, 1},
		"a part":                   {"GET", whole, []string{"Range", "bytes=500-"}, 206, 1},
		"many parts":               {"GET", whole, []string{"Range", "bytes=0-0" + strings.Repeat(",2-2", 500)}, 200, 1},
		"who has it":               {"GET", whole, []string{"If-None-Match", `"` + m.Key + `"`}, 304, 0},
		"who has the small one":    {"GET", small, []string{"If-None-Match", `"` + m.Key + `.thumb"`}, 304, 0},
		"the head":                 {"HEAD", whole, nil, 200, 0},
		"a part that is not there": {"GET", whole, []string{"Range", "bytes=99999999-"}, 416, 0},
	} {
		calls.Store(0)
		w, code := get(t, d, c.method, c.address, c.header...)
		if w.Code != c.status || calls.Load() != c.calls {
			t.Errorf("%s: %d %s after %d calls", name, w.Code, code, calls.Load())
		}
		if c.address == whole && c.status == 200 && c.method == "GET" && !bytes.Equal(w.Body.Bytes(), content) {
			t.Errorf("%s: another file", name)
		}
	}
}

// reader is the other side of an answer: it takes a while for each part, and the server's deadlines count.
type reader struct {
	*httptest.ResponseRecorder
	each  time.Duration
	until time.Time
}

func (r *reader) SetWriteDeadline(t time.Time) error { r.until = t; return nil }

func (r *reader) Write(b []byte) (int, error) {
	<-time.After(r.each)
	if time.Now().After(r.until) {
		return 0, os.ErrDeadlineExceeded
	}
	return r.ResponseRecorder.Write(b)
}

func TestASlowReaderHasToKeepAPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := dbtest.New(t)
		defer over.Close()
		d := deskOver(t, over, nil)
		const size = 900 << 10
		m := upload(t, d, "a.bin", make([]byte, size))
		mux := http.NewServeMux()
		mux.Handle("GET /media/{key}/{name}", d.Handler(func(http.ResponseWriter, *http.Request, error) { t.Error("a problem") }))
		for each, whole := range map[time.Duration]bool{time.Second: true, 7 * time.Second: true, 50 * time.Second: false} {
			w := &reader{ResponseRecorder: httptest.NewRecorder(), each: each}
			began := time.Now()
			mux.ServeHTTP(w, httptest.NewRequest("GET", strings.TrimPrefix(d.Links.URL(m, d.DB.Now()), base), nil))
			if (w.Body.Len() == size) != whole || time.Since(began) > slowest(size) || !whole && time.Since(began) > 3*time.Minute {
				t.Errorf("%s for each part: %d bytes after %s", each, w.Body.Len(), time.Since(began))
			}
		}
	})
}

// A storage that does not answer takes one step of the purge its time, once.
func TestThePurgeGivesUpOnAStorageThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := dbtest.New(t)
		defer over.Close()
		s := &hangs{Store: diskStore(t)}
		d := deskOver(t, over, func(o *Options) { o.Store = s })
		for range 5 {
			upload(t, d, "a.txt", []byte("words"))
		}
		time.Sleep(LooseFor + time.Second)
		s.hang = true
		began := time.Now()
		if n, err := d.PurgeOnce(t.Context()); n != 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d, %v", n, err)
		}
		if took := time.Since(began); took > purgeFor || s.deletes > 2 {
			t.Errorf("%s and %d calls", took, s.deletes)
		}
		began = time.Now()
		if _, err := d.Upload(t.Context(), ann, Upload{Name: "a.txt"}, strings.NewReader("words")); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > putFor+time.Second {
			t.Errorf("an upload: %v after %s", err, time.Since(began))
		}
		s.hang = false
		time.Sleep(purgeAgain)
		if n, err := d.PurgeOnce(t.Context()); n != 6 || err != nil {
			t.Errorf("later: %d, %v", n, err)
		}
	})
}

// hangs is a store that may not answer.
type hangs struct {
	Store
	hang    bool
	deletes int
}

func (h *hangs) Put(ctx context.Context, key string, r io.ReadSeeker, size int64) error {
	if h.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return h.Store.Put(ctx, key, r, size)
}

func (h *hangs) Delete(ctx context.Context, key string) error {
	if h.hang {
		h.deletes++
		<-ctx.Done()
		return ctx.Err()
	}
	return h.Store.Delete(ctx, key)
}

func TestUploadsAreHandedOver(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, over *db.DB) {
		d := deskOver(t, over, nil)
		a, b, c := Owner{OwnedByContact, 1}, Owner{OwnedByContact, 2}, Owner{OwnedByContact, 11}
		of := func(o Owner) *event.Media {
			m, err := d.Upload(t.Context(), o, Upload{Name: "a.txt"}, strings.NewReader("words"))
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		loose, sent, foreign := of(a), of(a), of(c)
		if _, err := send(t, d, sent.Key, 5, a); err != nil {
			t.Fatal(err)
		}
		if err := update(t, d, func(tx *db.Tx) error { return d.HandOver(tx, a, b) }); err != nil {
			t.Fatal(err)
		}
		for _, try := range []struct {
			m     *event.Media
			owner Owner
			ok    bool
		}{{loose, a, false}, {loose, b, true}, {foreign, b, false}, {foreign, c, true}, {sent, b, false}} {
			if _, err := send(t, d, try.m.Key, 9, try.owner); (err == nil) != try.ok || err != nil && !fault.Is(err, fault.MediaNotFound) {
				t.Errorf("file %d taken by %s: %v", try.m.ID, try.owner, err)
			}
		}
	})
}
