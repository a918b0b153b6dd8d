// Package cli holds the verbs of the command line: text in, text out. What they do is in app and below, and in client and
// verify for the tools; here are only flags, messages and exit codes (0 done, 1 failed, 2 wrong use).
//
// It imports app, config, client and verify.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"parley/internal/app"
	"parley/internal/config"
)

// version is set by the build (-ldflags "-X parley/internal/cli.version=…").
var version = ""

// Version is the program's version: the one set by the build, else the one of the module's version control, else "dev".
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return "dev-" + s.Value[:12]
			}
		}
	}
	return "dev"
}

type commands struct {
	Serve    serveCommand   `cmd:"" help:"Run the server."`
	Demo     demoCommand    `cmd:"" help:"Run the server with a demo shop, two operators and a callback inspector."`
	Migrate  migrateCommand `cmd:"" help:"Bring the database's schema up to date and stop."`
	Operator struct {
		Add operatorAddCommand `cmd:"" help:"Add an operator and print a one-time link to sign in."`
	} `cmd:"" help:"Manage operators."`
	Token struct {
		Create tokenCreateCommand `cmd:"" help:"Make an API token and print it, the only time that it is shown."`
	} `cmd:"" help:"Manage API tokens."`
	Listen     listenCommand  `cmd:"" help:"Pass the events of a server on to a receiver on this machine."`
	Trigger    triggerCommand `cmd:"" help:"Let the server make a test call, and show what the receiver answered."`
	Verify     verifyCommand  `cmd:"" help:"Try out a receiver: every event, repeats, forged calls, slow lines. Needs no server."`
	Deliveries struct {
		List   deliveriesListCommand   `cmd:"" help:"List what was sent, newest first."`
		Show   deliveriesShowCommand   `cmd:"" help:"Show one delivery with its request, attempts and answers."`
		Replay deliveriesReplayCommand `cmd:"" help:"Send deliveries once more."`
		Revive deliveriesReviveCommand `cmd:"" help:"Try deliveries again that were given up."`
	} `cmd:"" help:"The log of callbacks."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
	Thumbnail thumbnailCommand `cmd:"" hidden:"" help:"Make a small picture of an image: bytes in, bytes out. The server runs it as a process of its own."`
	Config    struct {
		Doc configDocCommand `cmd:"" help:"Print the reference of all settings."`
	} `cmd:"" help:"About the settings."`
}

type console struct {
	out, err io.Writer
	ctx      context.Context
	// in is where answers to questions come from; asks says that a person is there to answer.
	in   io.Reader
	asks bool
}

// heapGrowth is how far the heap may grow beyond what is in use before it is collected, in percent, unless GOGC says
// otherwise: what a message leaves behind is small beside the memory that a server has.
const heapGrowth = 200

// Main runs the program with its arguments (without its name) and returns the exit code. SIGTERM and SIGINT end a server
// gracefully; a second one ends it at once.
func Main(args []string, out, errOut io.Writer) int {
	if err := config.CheckEnvironment(os.Environ()); err != nil {
		fmt.Fprintln(errOut, "parley:", err)
		return 2
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	var c commands
	code := -1
	parser, err := kong.New(&c, kong.Name("parley"), kong.Description("Self-hosted customer messaging with callbacks that always arrive."),
		kong.Writers(out, errOut), kong.Exit(func(n int) { code = n }), kong.UsageOnError())
	if err != nil {
		fmt.Fprintln(errOut, "parley:", err)
		return 2
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	run, err := parser.Parse(args)
	if code >= 0 {
		return code // help was asked for
	}
	if err != nil {
		fmt.Fprintln(errOut, "parley:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal takes its default effect
	if err := run.Run(&console{out: out, err: errOut, ctx: ctx, in: os.Stdin, asks: terminal(os.Stdin)}); err != nil {
		fmt.Fprintln(errOut, "parley:", err)
		return 1
	}
	return 0
}

func logger(c config.Server, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

type serveCommand struct {
	config.Server `embed:""`
}

// Run implements the verb.
func (s *serveCommand) Run(c *console) error {
	if err := s.Resolve(); err != nil {
		return err
	}
	a, err := app.Open(c.ctx, app.Options{Config: s.Server, Logger: logger(s.Server, c.err), Version: Version(), Thumbnail: thumbnailer()})
	if err != nil {
		return err
	}
	link, err := a.FirstStart(c.ctx)
	if err != nil {
		return errors.Join(err, a.Close())
	}
	return a.Serve(c.ctx, func() {
		fmt.Fprintf(c.out, "Parley %s is ready: %s\n", Version(), s.PublicURL)
		if link != "" {
			fmt.Fprintf(c.out, "First start. Set up your Message Center here (the link works once, for a day):\n  %s\n", link)
		}
	})
}

type demoCommand struct {
	config.Server `embed:""`
}

// Run implements the verb.
func (s *demoCommand) Run(c *console) error {
	if s.Data == "data" {
		s.Data = "data/demo"
	}
	if s.LogLevel == "info" {
		s.LogLevel = "warn" // a demo's terminal shows its three links
	}
	s.AllowPrivateTargets = append(s.AllowPrivateTargets, "127.0.0.0/8", "::1/128")
	s.AllowPrivateLinks = append(s.AllowPrivateLinks, "127.0.0.0/8", "::1/128")
	if err := s.Resolve(); err != nil {
		return err
	}
	a, err := app.Open(c.ctx, app.Options{Config: s.Server, Logger: logger(s.Server, c.err), Version: Version(), Thumbnail: thumbnailer(), Demo: true})
	if err != nil {
		return err
	}
	links, err := a.SeedDemo(c.ctx)
	if err != nil {
		return errors.Join(err, a.Close())
	}
	return a.Serve(c.ctx, func() {
		fmt.Fprintf(c.out, `
  Parley's demo is ready.

  1  The shop, as a visitor       %s
  2  The Message Center, as Kim   %s
  3  The callback inspector       %s

  The second link signs in once; make a new one by starting again. Stop with Ctrl-C.
`, links.Shop, links.MessageCenter, links.Inspector)
	})
}

type migrateCommand struct {
	config.Storage `embed:""`
}

// Run implements the verb.
func (m *migrateCommand) Run(c *console) error {
	s, err := openStorage(c, m.Storage)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "The schema is at version %d.\n", s.SchemaVersion())
	return s.Close()
}

func openStorage(c *console, s config.Storage) (*app.Storage, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	return app.OpenStorage(c.ctx, s, slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: slog.LevelWarn})))
}

type operatorAddCommand struct {
	config.Storage `embed:""`
	Email          string `help:"E-mail address." required:"" placeholder:"ADDRESS"`
	FirstName      string `help:"First name." default:""`
	LastName       string `help:"Last name." default:""`
	Role           string `help:"admin or operator." default:"operator" enum:"admin,operator"`
	PublicURL      string `help:"URL of the server, for the printed link." default:"http://127.0.0.1:8080" env:"PARLEY_PUBLIC_URL" placeholder:"URL"`
}

// Run implements the verb.
func (o *operatorAddCommand) Run(c *console) error {
	s, err := openStorage(c, o.Storage)
	if err != nil {
		return err
	}
	token, err := s.AddOperator(c.ctx, o.Email, o.FirstName, o.LastName, o.Role)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	fmt.Fprintln(c.out, app.SignInLink(o.PublicURL, token))
	return nil
}

type tokenCreateCommand struct {
	config.Storage `embed:""`
	Name           string `help:"What the token is for." required:"" placeholder:"NAME"`
	Scope          string `help:"read, write or admin." default:"read" enum:"read,write,admin"`
}

// Run implements the verb.
func (t *tokenCreateCommand) Run(c *console) error {
	s, err := openStorage(c, t.Storage)
	if err != nil {
		return err
	}
	token, err := s.CreateToken(c.ctx, t.Name, t.Scope)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	fmt.Fprintln(c.out, token.Reveal())
	return nil
}

type versionCommand struct{}

// Run implements the verb.
func (versionCommand) Run(c *console) error {
	_, err := fmt.Fprintln(c.out, "parley", Version())
	return err
}

type configDocCommand struct{}

// Run implements the verb.
func (configDocCommand) Run(c *console) error {
	_, err := fmt.Fprint(c.out, config.Doc())
	return err
}
