// Package config is the one typed tree of settings. Every setting is a flag and an environment variable; the reference that
// "parley config doc" prints is made from the same tags. Unknown flags and unknown PARLEY_ variables are refused with the
// nearest known name, so that a typing error never silently means the default.
//
// It imports the standard library and package secret, and is imported by app and cli only.
package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"parley/internal/secret"
)

// Storage says where the data is. Every verb that touches data takes it.
type Storage struct {
	Data      string        `help:"Directory of the embedded database and of this instance's key." default:"data" env:"PARLEY_DATA" placeholder:"DIR"`
	Database  secret.String `help:"PostgreSQL to use instead of the embedded database: postgres://user:password@host/name." env:"PARLEY_DATABASE" placeholder:"URL"`
	SecretKey secret.String `help:"Key that seals secrets at rest, at least 16 characters. Needed when several nodes share a database; without it a key file is made in the data directory." env:"PARLEY_SECRET_KEY" placeholder:"KEY"`
}

// Server says how the server listens and what it may reach.
type Server struct {
	Storage
	Listen              string        `help:"Address to listen on." default:"127.0.0.1:8080" env:"PARLEY_LISTEN" placeholder:"ADDR"`
	PublicURL           string        `help:"URL under which browsers reach this server. Default: http:// and the listen address." env:"PARLEY_PUBLIC_URL" placeholder:"URL"`
	NoReplyAddress      string        `help:"Mail address of this installation that nobody reads. Chat webhooks name it as the address for answers to visitors whose own is unknown. Default: no-reply@ and the host of the public URL." env:"PARLEY_NO_REPLY_ADDRESS" placeholder:"ADDRESS"`
	Redis               secret.String `help:"Redis that carries wake-ups between several nodes: redis://host:6379." env:"PARLEY_REDIS" placeholder:"URL"`
	AllowPrivateTargets []string      `help:"Private address ranges that callbacks, and fetched files of channels, may reach, as CIDR, separated by commas. All private addresses are refused otherwise." env:"PARLEY_ALLOW_PRIVATE_TARGETS" sep:"," placeholder:"CIDR"`
	AllowPrivateLinks   []string      `help:"Private address ranges, within those that callbacks may reach, whose pages may have a link card, as CIDR, separated by commas. Whoever can write a message can name any address there." env:"PARLEY_ALLOW_PRIVATE_LINKS" sep:"," placeholder:"CIDR"`
	TrustedProxies      []string      `help:"Address ranges of reverse proxies whose X-Forwarded-For is believed, as CIDR, separated by commas." env:"PARLEY_TRUSTED_PROXIES" sep:"," placeholder:"CIDR"`
	GeoFile             string        `help:"File in the MaxMind DB form with the cities of addresses, such as GeoLite2-City.mmdb. Visitors get a city and a country from it; without it both are unknown. It is read at the start." env:"PARLEY_GEO_FILE" placeholder:"FILE"`
	MaxUpload           int           `help:"Greatest size of a file in megabytes, uploaded or fetched." default:"25" env:"PARLEY_MAX_UPLOAD" placeholder:"MB"`
	MediaDir            string        `help:"Directory that keeps files where no bucket does. Default: media in the data directory. With --redis it must be named: all nodes must share it." env:"PARLEY_MEDIA_DIR" placeholder:"DIR"`
	MediaS3Bucket       string        `help:"Bucket that keeps files, in Amazon S3 or what speaks its language. It must exist. Several nodes that share a database need it, or --media-dir; without it files are kept in a directory." name:"media-s3-bucket" env:"PARLEY_MEDIA_S3_BUCKET" placeholder:"NAME"`
	MediaS3Endpoint     string        `help:"URL of the storage that has the bucket. Default: Amazon's own for the region." name:"media-s3-endpoint" env:"PARLEY_MEDIA_S3_ENDPOINT" placeholder:"URL"`
	MediaS3Region       string        `help:"Region of the bucket." default:"us-east-1" name:"media-s3-region" env:"PARLEY_MEDIA_S3_REGION" placeholder:"REGION"`
	MediaS3Key          string        `help:"Id of the access key to the bucket." name:"media-s3-key" env:"PARLEY_MEDIA_S3_KEY" placeholder:"ID"`
	MediaS3Secret       secret.String `help:"The secret of that access key. Better in the variable: flags are seen by everybody on the machine." name:"media-s3-secret" env:"PARLEY_MEDIA_S3_SECRET" placeholder:"SECRET"`
	LogKeep             time.Duration `help:"How long the log of deliveries keeps what was delivered or dropped, with its attempts, for example 720h." default:"720h" env:"PARLEY_LOG_KEEP" placeholder:"TIME"`
	LogMax              int           `help:"How many finished deliveries the log keeps at most; the oldest go first. Dead ones stay until someone deals with them." default:"1000000" env:"PARLEY_LOG_MAX" placeholder:"COUNT"`
	LogLevel            string        `help:"Least level that is logged: debug, info, warn or error." default:"info" enum:"debug,info,warn,error" env:"PARLEY_LOG_LEVEL"`
	LogFormat           string        `help:"Form of the log: text or json." default:"text" enum:"text,json" env:"PARLEY_LOG_FORMAT"`
}

// What counts where nothing is said, as in the tags above.
const (
	defaultLogKeep   = 720 * time.Hour
	defaultLogMax    = 1_000_000
	defaultMaxUpload = 25
	defaultRegion    = "us-east-1"
	mostUpload       = 2000 // MB
)

// Remote says which server the tools talk to.
type Remote struct {
	Server string        `help:"URL of the server that the tools talk to (listen, trigger, deliveries)." default:"http://127.0.0.1:8080" env:"PARLEY_SERVER" placeholder:"URL"`
	Token  secret.String `help:"API token of that server; listen needs the scope read, the others admin. Better in the variable: flags are seen by everybody on the machine." env:"PARLEY_TOKEN" placeholder:"TOKEN"`
}

// trees are all settings, in the order of the reference.
var trees = []reflect.Type{reflect.TypeFor[Server](), reflect.TypeFor[Remote]()}

// Resolve checks the settings, fills in what follows from others, and says what to type where something is wrong.
func (s *Server) Resolve() error {
	host, port, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return fmt.Errorf("--listen %q is not an address like 127.0.0.1:8080 or :8080", s.Listen)
	}
	if s.PublicURL == "" {
		if host == "" || host == "0.0.0.0" || host == "::" {
			host = "localhost"
		}
		s.PublicURL = "http://" + net.JoinHostPort(host, port)
	}
	u, err := url.Parse(s.PublicURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("--public-url %q is not a URL like https://chat.example.com (without a path)", s.PublicURL)
	}
	s.PublicURL = strings.TrimSuffix(s.PublicURL, "/")
	if s.NoReplyAddress == "" {
		s.NoReplyAddress = noReply(strings.TrimSuffix(u.Hostname(), "."))
	} else if a, err := mail.ParseAddress(s.NoReplyAddress); err != nil || a.Address != s.NoReplyAddress {
		return fmt.Errorf("--no-reply-address %q is not a mail address like no-reply@example.com", s.NoReplyAddress)
	}
	if _, err := Prefixes(s.AllowPrivateTargets); err != nil {
		return fmt.Errorf("--allow-private-targets: %w", err)
	}
	if _, err := Prefixes(s.AllowPrivateLinks); err != nil {
		return fmt.Errorf("--allow-private-links: %w", err)
	}
	if _, err := Prefixes(s.TrustedProxies); err != nil {
		return fmt.Errorf("--trusted-proxies: %w", err)
	}
	if s.LogKeep < 0 {
		return fmt.Errorf("--log-keep %s is in the future; a time is like 720h", s.LogKeep)
	}
	if s.LogMax < 0 {
		return fmt.Errorf("--log-max %d is less than nothing", s.LogMax)
	}
	if s.LogKeep == 0 {
		s.LogKeep = defaultLogKeep
	}
	if s.LogMax == 0 {
		s.LogMax = defaultLogMax
	}
	if err := s.resolveMedia(); err != nil {
		return err
	}
	return s.Storage.Check()
}

// noReply is the address that nobody reads at a host. A number has no mail, and not every reader takes one behind an @.
func noReply(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		host = "localhost"
	}
	return "no-reply@" + host
}

func (s *Server) resolveMedia() error {
	if s.MaxUpload < 0 || s.MaxUpload > mostUpload {
		return fmt.Errorf("--max-upload %d is not a number of megabytes from 1 to %d", s.MaxUpload, mostUpload)
	}
	if s.MaxUpload == 0 {
		s.MaxUpload = defaultMaxUpload
	}
	if s.MediaS3Region == "" {
		s.MediaS3Region = defaultRegion
	}
	if e := s.MediaS3Endpoint; e != "" {
		if u, err := url.Parse(e); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return fmt.Errorf("--media-s3-endpoint %q is not a URL like https://s3.example.com", e)
		}
	}
	switch {
	case s.MediaS3Bucket != "" && s.MediaDir != "":
		return fmt.Errorf("--media-dir and --media-s3-bucket are two places for files; leave one of them out")
	// A file that one node has on its own disk is lost to the others, and nobody notices before it is asked for.
	case s.MediaS3Bucket == "" && s.MediaDir == "" && !s.Redis.IsZero():
		return fmt.Errorf("--redis means several nodes, which need one place for files: add --media-s3-bucket with a bucket, or --media-dir with a directory that all nodes share (for a single node, its own: --media-dir %s)",
			filepath.Join(s.Data, "media"))
	case s.MediaS3Bucket == "" && (s.MediaS3Endpoint != "" || s.MediaS3Key != "" || !s.MediaS3Secret.IsZero()):
		return fmt.Errorf("--media-s3-bucket is missing; leave the other --media-s3 settings out to keep files in the data directory")
	case s.MediaS3Bucket != "" && (s.MediaS3Key == "" || s.MediaS3Secret.IsZero()):
		return fmt.Errorf("--media-s3-bucket needs --media-s3-key and --media-s3-secret")
	}
	return nil
}

// Check refuses storage settings that cannot work.
func (s *Storage) Check() error {
	if d := s.Database.Reveal(); d != "" && !strings.HasPrefix(d, "postgres://") && !strings.HasPrefix(d, "postgresql://") {
		return fmt.Errorf("--database does not start with postgres://; leave it out for the embedded database")
	}
	if k := s.SecretKey.Reveal(); k != "" && len(k) < 16 {
		return fmt.Errorf("--secret-key has %d characters, at least 16 are needed", len(k))
	}
	return nil
}

// Prefixes parses a list of address ranges.
func Prefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("%q is not an address range like 10.0.0.0/8", s)
		}
		out = append(out, p)
	}
	return out, nil
}

// Variables lists the environment variables of the tree in their order.
func Variables() []string {
	var names []string
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for f := range t.Fields() {
			if f.Anonymous {
				walk(f.Type)
			} else if env := f.Tag.Get("env"); env != "" {
				names = append(names, env)
			}
		}
	}
	for _, t := range trees {
		walk(t)
	}
	return names
}

// CheckEnvironment refuses PARLEY_ variables that the tree does not know. Those for the tests are left alone.
func CheckEnvironment(environ []string) error {
	known := Variables()
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "PARLEY_") || strings.HasPrefix(name, "PARLEY_TEST_") || slices.Contains(known, name) {
			continue
		}
		return fmt.Errorf("the environment variable %s is unknown; did you mean %s? (\"parley config doc\" lists all)", name, nearest(name, known))
	}
	return nil
}

// nearest returns the known name with the smallest edit distance.
func nearest(name string, known []string) string {
	best, least := "", int(^uint(0)>>1)
	for _, k := range known {
		if d := distance(name, k); d < least {
			best, least = k, d
		}
	}
	return best
}

func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// Doc returns the reference of all settings as text.
func Doc() string {
	var b strings.Builder
	b.WriteString("Settings of parley. Each is a flag and an environment variable; the flag wins.\n")
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for f := range t.Fields() {
			if f.Anonymous {
				walk(f.Type)
				continue
			}
			fmt.Fprintf(&b, "\n--%s  (%s)\n    %s\n", flagName(f.Name), f.Tag.Get("env"), f.Tag.Get("help"))
			if d := f.Tag.Get("default"); d != "" {
				fmt.Fprintf(&b, "    Default: %s\n", d)
			}
		}
	}
	for _, t := range trees {
		walk(t)
	}
	return b.String()
}

// flagName turns a field's name into a flag's: PublicURL → public-url.
func flagName(field string) string {
	var b strings.Builder
	runes := []rune(field)
	upper := func(i int) bool { return i >= 0 && i < len(runes) && runes[i] >= 'A' && runes[i] <= 'Z' }
	for i, r := range runes {
		if upper(i) && i > 0 && (!upper(i-1) || i+1 < len(runes) && !upper(i+1)) {
			b.WriteByte('-')
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	return b.String()
}
