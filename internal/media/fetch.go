package media

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/url"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/outhttp"
)

const (
	// fetchTime bounds a fetch with its redirects, and fetchHops these (S-072).
	fetchTime = 30 * time.Second
	fetchHops = 3
)

// fetchFile gets a file from the server that has it and stores a copy; its result tells the message.
func (d *Desk) fetchFile(ctx context.Context, e errand) (func(context.Context, *db.Tx) error, error) {
	m, small, why, err := d.copyOf(ctx, e)
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, ctx.Err()
	}
	switch {
	case err != nil:
		d.Logger.Error("a file that was fetched could not be stored", "media", e.id, "error", err)
		why = "this server could not store it"
	case why != "":
		d.Logger.Info("a file could not be fetched", "media", e.id, "host", hostOf(e.url), "reason", why)
	}
	return func(ctx context.Context, tx *db.Tx) error {
		return d.settleFile(ctx, tx, e, true, func() (bool, error) {
			if why != "" {
				return notFetched(tx, e, why)
			}
			return fetched(tx, e, m, small)
		})
	}, nil
}

// giveUpFile makes a file a failed one, for a reason that is ours.
func (d *Desk) giveUpFile(ctx context.Context, tx *db.Tx, e errand, tell bool) error {
	return d.settleFile(ctx, tx, e, tell, func() (bool, error) { return notFetched(tx, e, "this server could not take it") })
}

// settleFile stores what became of a file, and tells its message. What deletes a message or fetches a file again locks the conversation
// and then the file: so does this.
func (d *Desk) settleFile(ctx context.Context, tx *db.Tx, e errand, tell bool, store func() (bool, error)) error {
	if err := lockOfFile(tx, e.id); err != nil {
		return fmt.Errorf("file %d: %w", e.id, err)
	}
	ok, err := store()
	if err != nil {
		return fmt.Errorf("store what became of file %d: %w", e.id, err)
	}
	if !ok || !tell || d.Changed == nil { // not ok is removed, or another's by now
		return nil
	}
	conversation, message, err := messageOf(tx, e.id)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("message of file %d: %w", e.id, err)
	}
	return d.Changed(ctx, tx, conversation, message, event.ChangedMedia, 0)
}

// copyOf fetches a file and puts it into the store. It returns what the file is and how large its small picture, or why there is none in
// words for those who sent it and those who wait for it; err is our own trouble.
func (d *Desk) copyOf(ctx context.Context, e errand) (m *event.Media, small int, why string, err error) {
	u, refused := CheckRemoteURL(e.url)
	if refused != nil {
		return nil, 0, refused.Detail, nil
	}
	s, err := d.HTTP.Get(ctx, outhttp.Download{URL: u, Accept: "*/*", Timeout: fetchTime, Limit: d.MaxUpload, Redirects: fetchHops})
	if err != nil {
		return nil, 0, d.whyNot(err), nil
	}
	defer s.Close()
	switch {
	case s.Status != 200:
		return nil, 0, fmt.Sprintf("the server answered %d", s.Status), nil
	case s.Size > d.MaxUpload:
		return nil, 0, d.whyNot(outhttp.ErrTooLarge), nil
	}
	in, err := d.receive(s, d.MaxUpload)
	if err != nil {
		if fault.Is(err, fault.MediaEmpty) || fault.Is(err, fault.MediaTooLarge) || fault.Is(err, fault.RequestMalformed) {
			return nil, 0, d.whyNot(err), nil
		}
		return nil, 0, "", err
	}
	defer in.close()
	in.from = siteOf(s.URL)
	name := e.name
	if name == cleanName(nameOf(u)) { // nobody gave it another
		name = cmp.Or(nameIn(s.Header.Get("Content-Disposition")), nameOf(s.URL), name)
	}
	if err := d.examine(ctx, in, name); err != nil {
		return nil, 0, "", err
	}
	if err := d.save(ctx, e.key, in); err != nil {
		return nil, 0, "", err
	}
	return in.media(e.key), len(in.thumb), "", nil
}

// nameIn is the name of a file that a header Content-Disposition gives, "" for none.
func nameIn(header string) string {
	_, params, err := mime.ParseMediaType(header)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(params["filename"])
}

// whyNot says in plain words why a file could not be fetched. It names no address: the message shows where the file was.
func (d *Desk) whyNot(err error) string {
	switch {
	case fault.Is(err, fault.TargetRefused):
		return "the address is not public"
	case errors.Is(err, outhttp.ErrTooLarge), fault.Is(err, fault.MediaTooLarge):
		return "it is larger than " + megabytes(d.MaxUpload)
	case errors.Is(err, outhttp.ErrLate), errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("it took longer than %d s", fetchTime/time.Second)
	case errors.Is(err, outhttp.ErrLength):
		return "it is not as long as the server says"
	case errors.Is(err, outhttp.ErrEncoded):
		return "the server sent it compressed"
	case errors.Is(err, outhttp.ErrRedirects):
		return fmt.Sprintf("the server redirected more than %d times", fetchHops)
	case errors.Is(err, outhttp.ErrRedirect):
		return "the server redirected to an address that is not acceptable"
	case fault.Is(err, fault.MediaEmpty):
		return "it is empty"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "the name of the server is not known"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the server's certificate is not valid"
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return "the server could not be reached"
	}
	return "the server's answer could not be read"
}

// megabytes writes a size for people.
func megabytes(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MB", n>>20)
	}
	return fmt.Sprintf("%d KB", n>>10)
}

// siteOf is what a page's host is called where it does not say its name.
func siteOf(u *url.URL) string { return strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.") }
