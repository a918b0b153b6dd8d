package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"parley/internal/event/eventtest"
	"parley/internal/secret"
	"parley/internal/webhook/dialect"
	"parley/internal/webhook/dialect/all"
	"parley/internal/webhook/dialect/standard"
)

// What is used where Options say nothing.
const (
	// DefaultWarn is how long an answer may take without a word.
	DefaultWarn = time.Second
	// DefaultFault is how long an answer may take at all.
	DefaultFault = 5 * time.Second
	// DefaultTimeout is when a call is given up, as a server does it.
	DefaultTimeout = 15 * time.Second
	// DefaultPace is the pause between the pieces of a slow body.
	DefaultPace = 100 * time.Millisecond
)

// Options say what to try out and how. URL, Dialect and Secret are required; zero times mean the defaults.
type Options struct {
	URL     string
	Dialect dialect.Dialect
	// Version is the pinned form of the dialect; "" means the current one.
	Version string
	// Switches are what is turned on of the dialect's switches.
	Switches []string
	// Secret signs the calls.
	Secret secret.String
	// Signatures asks for the checks of forged calls. Signed says whether a dialect's receivers can be expected to pass them.
	Signatures bool
	// Header is sent with every call.
	Header    http.Header
	UserAgent string

	Warn, Fault, Timeout, Pace time.Duration
	// Transport is for tests; nil means connections of its own.
	Transport http.RoundTripper
}

// Verdict is what a check came to.
type Verdict string

// The verdicts. Skipped checks were not made.
const (
	OK      Verdict = "ok"
	Warning Verdict = "warning"
	Wrong   Verdict = "wrong"
	Skipped Verdict = "skipped"
)

// Result is one check.
type Result struct {
	Check   string
	Verdict Verdict
	// Status is 0 when there was no answer or no call.
	Status int
	Took   time.Duration
	// Did says what the receiver did, Should what it should do; both are empty when all is well.
	Did, Should string
}

// Summary counts the results.
type Summary struct{ OK, Warnings, Wrong, Skipped int }

// Dialects returns the dialects by their name.
func Dialects() []dialect.Dialect { return all.Dialects() }

// Find returns the dialect of a name.
func Find(name string) (dialect.Dialect, bool) {
	list := all.Dialects()
	i := slices.IndexFunc(list, func(d dialect.Dialect) bool { return d.Info().Name == name })
	if i < 0 {
		return nil, false
	}
	return list[i], true
}

// Signed reports whether the contract of a dialect tells receivers to check signatures. Every call carries one, but receivers
// that were written for somebody else's contract know nothing of it.
func Signed(d dialect.Dialect) bool { return d.Info().Name == standard.Name }

// Sample is a body as it would be sent.
type Sample struct {
	// Name is the dialect's name of the event, Variant that of the sample: several may be of one event.
	Name, Variant string
	Body          []byte
}

// title names the sample for people: the event, and which of its samples it is when there are several.
func (s Sample) title() string {
	rest := strings.Trim(strings.TrimPrefix(s.Variant, strings.ReplaceAll(s.Name, ".", "_")), "_")
	if rest == "" {
		return "event " + s.Name
	}
	return "event " + s.Name + " (" + strings.ReplaceAll(rest, "_", " ") + ")"
}

// publicURL and noReply stand for the installation in samples.
const (
	publicURL = "https://chat.example.com"
	noReply   = "no-reply@chat.example.com"
)

// Samples renders every sample that a form of the dialect tells, with these of its switches turned on.
func Samples(d dialect.Dialect, version string, switches ...string) ([]Sample, error) {
	info := d.Info()
	if version != "" && !slices.Contains(info.Versions, version) {
		return nil, fmt.Errorf("the dialect %s has no version %q; it has %q", info.Name, version, info.Versions)
	}
	for _, name := range switches {
		if !info.HasSwitch(name) {
			return nil, fmt.Errorf("the dialect %s has no switch %q", info.Name, name)
		}
	}
	var out []Sample
	for _, s := range eventtest.Named() {
		name, told := d.Name(s.Event)
		if !told || !info.Hears(version, name) {
			continue
		}
		body, err := d.Render(s.Event, dialect.Options{PublicURL: publicURL, Version: version, Switches: switches, NoReply: noReply, MediaURL: eventtest.MediaURL(publicURL)})
		if err != nil {
			return nil, fmt.Errorf("sample %s: %w", s.Name, err)
		}
		out = append(out, Sample{name, s.Name, body})
	}
	if len(out) < 2 {
		return nil, fmt.Errorf("the dialect %s has too few samples", info.Name)
	}
	return out, nil
}

// ErrSilent means that nobody answers at the address, so that there is nothing to check.
var ErrSilent = errors.New("nobody answers at this address")

// run is one trial.
type run struct {
	Options
	key     []byte
	caller  caller
	samples []Sample
	ids     ids
	report  func(Result)
	sum     Summary
	slowest Result
	total   time.Duration
	timed   int
}

// Run makes all checks and reports each as soon as it is done. It fails when there is nothing to check; what the receiver does
// wrong is in the summary.
func Run(ctx context.Context, o Options, report func(Result)) (Summary, error) {
	r := &run{Options: o, report: report}
	for d, otherwise := range map[*time.Duration]time.Duration{&r.Warn: DefaultWarn, &r.Fault: DefaultFault, &r.Timeout: DefaultTimeout, &r.Pace: DefaultPace} {
		if *d == 0 {
			*d = otherwise
		}
	}
	if u, err := url.Parse(o.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return r.sum, fmt.Errorf("%q is not a URL like http://localhost:3000/hook", o.URL)
	}
	var err error
	if r.key, err = secret.SigningKey(o.Secret); err != nil {
		return r.sum, err
	}
	if r.samples, err = Samples(o.Dialect, o.Version, o.Switches...); err != nil {
		return r.sum, err
	}
	r.caller, r.ids = newCaller(r.Options), newIDs()
	defer r.caller.close()
	for _, check := range []func(context.Context) error{r.everySample, r.repeat, r.forgeries, r.pieces, r.twoAtOnce} {
		if err := check(ctx); err != nil {
			return r.sum, err
		}
		if err := ctx.Err(); err != nil {
			return r.sum, err
		}
	}
	r.speed()
	return r.sum, nil
}

// done counts and reports a result.
func (r *run) done(res Result) {
	switch res.Verdict {
	case OK:
		r.sum.OK++
	case Warning:
		r.sum.Warnings++
	case Wrong:
		r.sum.Wrong++
	case Skipped:
		r.sum.Skipped++
	}
	r.report(res)
}

// clock remembers how long an honest call took.
func (r *run) clock(check string, a answer) {
	if a.err != nil {
		return
	}
	r.timed++
	r.total += a.took
	if a.took >= r.slowest.Took {
		r.slowest = Result{Check: check, Status: a.status, Took: a.took}
	}
}

// accepted judges a call that has to be accepted.
func (r *run) accepted(check string, a answer, should string) Result {
	r.clock(check, a)
	res := Result{Check: check, Verdict: OK, Status: a.status, Took: a.took}
	info := r.Dialect.Info()
	switch {
	case a.err != nil:
		res.Verdict, res.Did = Wrong, a.reason(r.Timeout)
	case r.Dialect.Judge(a.status) == dialect.Received:
		return res
	default:
		res.Verdict, res.Did = Wrong, a.said()
	}
	if should == "" {
		should = "answer as received (" + info.Success + ") as soon as the call is stored, and work on it afterwards"
	}
	switch {
	case a.status == http.StatusGone:
		should += "; 410 means that it wants no more calls at all, and ends them"
	case a.status >= 300 && a.status < 400:
		should += "; redirects are not followed, so the endpoint needs the final address"
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		should += "; if it checks the signature, it needs the secret of these calls (--secret), if it wants a password, a --header"
	case a.status >= 200 && a.status < 300:
		should += "; other successes do not count in the dialect " + info.Name
	}
	res.Should = should
	return res
}

// everySample sends each sample once.
func (r *run) everySample(ctx context.Context) error {
	silent := 0
	for _, s := range r.samples {
		a := r.caller.do(ctx, r.signed(r.ids.next(), time.Now(), s.Body))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.done(r.accepted(s.title(), a, ""))
		if a.err == nil {
			silent = 0
			continue
		}
		if silent++; a.refused() || silent == 2 {
			return ErrSilent
		}
	}
	return nil
}

// repeat sends one call twice, as it comes after a crash or an answer that got lost.
func (r *run) repeat(ctx context.Context) error {
	id, s := r.ids.next(), r.samples[0]
	first := r.caller.do(ctx, r.signed(id, time.Now(), s.Body))
	if first.err != nil || r.Dialect.Judge(first.status) != dialect.Received {
		r.done(Result{Check: "duplicate", Verdict: Skipped, Did: "it did not accept the first of the two calls"})
		return nil
	}
	r.clock("duplicate", first)
	a := r.caller.do(ctx, r.signed(id, time.Now(), s.Body))
	r.done(r.accepted("duplicate", a, "accept a webhook-id that it knows already, and do nothing else: a repeat that is refused comes again and again"))
	return nil
}

// forgeries sends calls that nobody but an attacker would send.
func (r *run) forgeries(ctx context.Context) error {
	body := r.samples[0].Body
	now := time.Now()
	other := secret.Random(24)
	for _, f := range []struct {
		check, did string
		call       func(id string) *call
	}{
		{"wrong signature", "a call that was signed with another secret", func(id string) *call {
			return r.call(id, now, body, secret.Sign(other, id, now, body))
		}},
		{"no signature", "a call without a signature", func(id string) *call {
			c := r.call(id, now, body, "")
			c.header.Del("Webhook-Signature")
			return c
		}},
		{"changed body", "a call whose body is not the one that was signed", func(id string) *call {
			return r.call(id, now, body, secret.Sign(r.key, id, now, r.samples[1].Body))
		}},
		{"old timestamp", "a call that was signed an hour ago", func(id string) *call {
			return r.signed(id, now.Add(-time.Hour), body)
		}},
	} {
		if !r.Signatures {
			r.done(Result{Check: f.check, Verdict: Skipped, Did: "the dialect " + r.Dialect.Info().Name + " asks no receiver to check signatures; --secret checks it all the same"})
			continue
		}
		a := r.caller.do(ctx, f.call(r.ids.next()))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.done(r.refused(f.check, f.did, a))
	}
	if !r.Signatures {
		return nil
	}
	// While a secret is being changed, calls carry a signature by each of the two.
	id := r.ids.next()
	a := r.caller.do(ctx, r.call(id, now, body, secret.Sign(other, id, now, body)+" "+secret.Sign(r.key, id, now, body)))
	r.done(r.accepted("two signatures", a, "accept a call when one of the signatures in webhook-signature fits: while a secret is being changed there are two"))
	return nil
}

// refused judges a call that has to be refused.
func (r *run) refused(check, what string, a answer) Result {
	res := Result{Check: check, Status: a.status, Took: a.took, Should: "refuse it with 401 or another 4xx"}
	switch {
	case a.err != nil:
		res.Verdict, res.Did = Wrong, a.reason(r.Timeout)
	case a.status >= 400 && a.status < 500 && a.status != http.StatusGone:
		return Result{Check: check, Verdict: OK, Status: a.status, Took: a.took}
	case a.status >= 200 && a.status < 300:
		res.Verdict, res.Did = Wrong, "it accepted "+what
		if check == "old timestamp" {
			res.Should += " when webhook-timestamp is more than 5 minutes off, else a call that somebody overheard can be sent again"
		} else {
			res.Should += ", else anybody who knows the address can send it events"
		}
	case a.status == http.StatusGone:
		res.Verdict, res.Did = Wrong, a.said()
		res.Should += "; 410 means that it wants no more calls at all, so one forged call would end the true ones"
	default:
		res.Verdict, res.Did = Warning, a.said()
	}
	return res
}

// pieces sends a call as over a bad line.
func (r *run) pieces(ctx context.Context) error {
	c := r.signed(r.ids.next(), time.Now(), r.samples[0].Body)
	c.pace = r.Pace
	a := r.caller.do(ctx, c)
	r.done(r.accepted("slow body", a, "read the whole body however it comes, and accept it"))
	return nil
}

// twoAtOnce sends two events side by side, as those of two conversations come.
func (r *run) twoAtOnce(ctx context.Context) error {
	answers := make(chan answer, 2)
	for _, s := range r.samples[:2] {
		c := r.signed(r.ids.next(), time.Now(), s.Body)
		go func() { answers <- r.caller.do(ctx, c) }()
	}
	first, second := <-answers, <-answers
	const should = "accept calls that come at the same time; those of different conversations do"
	a, b := r.accepted("two at once", first, should), r.accepted("two at once", second, should)
	if a.Verdict == OK {
		a = b
	}
	r.done(a)
	return nil
}

// speed judges how long the honest calls took.
func (r *run) speed() {
	if r.timed == 0 {
		return
	}
	res := Result{Check: "answer times", Verdict: OK, Took: r.slowest.Took}
	text := fmt.Sprintf("%d answers took %s on average; the slowest, %s, took %s", r.timed,
		(r.total / time.Duration(r.timed)).Round(time.Millisecond), r.slowest.Check, r.slowest.Took.Round(time.Millisecond))
	switch {
	case r.slowest.Took > r.Fault:
		res.Verdict, res.Did = Wrong, text
	case r.slowest.Took > r.Warn:
		res.Verdict, res.Did = Warning, text
	default:
		res.Did = text
		r.done(res)
		return
	}
	res.Should = fmt.Sprintf("answer within %s, best as soon as the call is stored: events of a conversation wait for each other's answers", r.Warn)
	r.done(res)
}
