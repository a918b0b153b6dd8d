package cli

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"parley/internal/secret"
	"parley/internal/verify"
)

type verifyCommand struct {
	URL            string        `arg:"" help:"Address of the receiver, such as http://localhost:3000/hook."`
	Dialect        string        `help:"Which form of callbacks to send." default:"standard" placeholder:"NAME"`
	DialectVersion string        `help:"Which version of the dialect. Default: the current one." placeholder:"VERSION"`
	Switch         []string      `help:"Switch of the dialect to turn on, such as traits_text. May be given several times." placeholder:"NAME"`
	Secret         secret.String `help:"Secret that the receiver knows (whsec_…). Made up and printed by default." placeholder:"SECRET"`
	Header         []string      `help:"Header of every call, 'Name: value'. May be given several times." sep:"none" placeholder:"HEADER"`
	WarnAfter      time.Duration `help:"Answers that take longer are worth a warning." default:"1s"`
	FaultAfter     time.Duration `help:"Answers that take longer are wrong." default:"5s"`
	Timeout        time.Duration `help:"When a call is given up." default:"15s"`
}

// Run implements the verb.
func (v *verifyCommand) Run(c *console) error {
	d, ok := verify.Find(v.Dialect)
	if !ok {
		var names []string
		for _, d := range verify.Dialects() {
			names = append(names, d.Info().Name)
		}
		return fmt.Errorf("there is no dialect %q; there are %s", v.Dialect, strings.Join(names, " and "))
	}
	o := verify.Options{URL: v.URL, Dialect: d, Version: v.DialectVersion, Switches: slices.Sorted(slices.Values(v.Switch)), Secret: v.Secret, Signatures: verify.Signed(d) || !v.Secret.IsZero(),
		Header: http.Header{}, UserAgent: agent(), Warn: v.WarnAfter, Fault: v.FaultAfter, Timeout: v.Timeout}
	for _, h := range v.Header {
		name, value, ok := strings.Cut(h, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return fmt.Errorf("--header %q is not a header like 'X-Key: abc'", h)
		}
		o.Header.Add(name, strings.TrimSpace(value))
	}
	if o.Secret.IsZero() {
		o.Secret = secret.NewSigning()
		if o.Signatures {
			fmt.Fprintf(c.out, "The calls are signed with the secret %s (--secret takes yours)\n", o.Secret.Reveal())
		}
	}
	var last verify.Result
	sum, err := verify.Run(c.ctx, o, func(r verify.Result) {
		printResult(c, r, r.Did != "" && r.Did == last.Did && r.Should == last.Should)
		last = r
	})
	if c.ctx.Err() != nil {
		return errors.New("stopped before the end")
	}
	fmt.Fprintf(c.out, "%d ok, %d warnings, %d wrong, %d skipped\n", sum.OK, sum.Warnings, sum.Wrong, sum.Skipped)
	if err != nil {
		return err
	}
	if sum.Wrong > 0 {
		return errors.New("the receiver does not do what it should")
	}
	return nil
}

func printResult(c *console, r verify.Result, again bool) {
	status, took := "", ""
	if r.Status != 0 {
		status = fmt.Sprint(r.Status)
	}
	if r.Took > 0 {
		took = fmt.Sprintf("%d ms", r.Took.Milliseconds())
	}
	fmt.Fprintln(c.out, strings.TrimRight(fmt.Sprintf("%-8s %-52s %4s %9s", r.Verdict, plain(r.Check), status, took), " "))
	const indent = "             "
	if again {
		fmt.Fprintln(c.out, indent+"as above")
		return
	}
	if r.Did != "" {
		wrapped(c.out, indent, plain(r.Did))
	}
	if r.Should != "" {
		wrapped(c.out, indent, "it should "+r.Should)
	}
}
