package arch

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// room is one row of the import table: a package (or a pattern of packages, as path.Match takes it) and what it may
// import of this module beside the kernel. "…" means everything.
type room struct {
	path string
	may  []string
	// tests is what its tests may import beside that and what that reaches, for a reason of their own.
	tests []string
	// testOnly packages may be imported by tests and by each other, and never by what is shipped.
	testOnly bool
}

// kernel is what everybody may import. Its packages import the standard library only.
var kernel = []string{"internal/fault", "internal/id", "internal/secret"}

// samples may be imported by every test, and by what ships as its row says.
var samples = []string{"internal/event/eventtest"}

// concepts are what the two HTTP rooms translate requests to.
const concepts = "internal/team internal/contact internal/widget internal/media internal/inbox internal/event internal/feed internal/once"

// rooms is the import table. An exact path wins over a pattern.
var rooms = []room{
	{path: "internal/fault"},
	{path: "internal/id"},
	{path: "internal/secret"},
	{path: "internal/config"},
	{path: "internal/limit"},
	{path: "internal/geo"},
	{path: "internal/event"},
	{path: "internal/event/jsontext"}, // what generated code needs to write and read JSON: the same for stored events and for bodies
	{path: "internal/event/jsontext/gen"},
	{path: "internal/event/stored", may: list("internal/event internal/event/jsontext")}, // not in event, whose snapshots know no form
	{path: "internal/event/eventtest", may: list("internal/event")},                      // samples: for tests, test calls and the reference
	{path: "internal/db"},
	{path: "internal/outhttp", may: list("internal/db")},
	{path: "internal/feed", may: list("internal/db internal/event internal/event/stored")},
	{path: "internal/once", may: list("internal/db")},
	{path: "internal/delivery", may: list("internal/db"), tests: list("internal/event internal/feed internal/webhook internal/webhook/dialect/*")}, // its benchmark sends real webhooks
	{path: "internal/team", may: list("internal/db internal/event internal/feed internal/once internal/limit")},
	{path: "internal/contact", may: list("internal/db internal/event internal/feed internal/once internal/team")},
	{path: "internal/widget", may: list("internal/db internal/event internal/feed internal/once internal/team")},
	{path: "internal/media", may: list("internal/db internal/event internal/outhttp internal/team internal/media/thumb")},
	{path: "internal/media/thumb"}, // what decodes strangers' images, in a process of its own
	{path: "internal/inbox", may: list("internal/audit internal/db internal/delivery internal/event internal/feed internal/once internal/team internal/contact internal/widget internal/media")},
	{path: "internal/command", may: list("internal/event internal/once internal/team internal/contact internal/widget internal/inbox internal/mail internal/reply internal/webhook"), tests: list("internal/webhook/dialect/*")},
	{path: "internal/reply", may: list("internal/db internal/event internal/once internal/team internal/contact internal/inbox")},
	{path: "internal/onsite", may: list("internal/db internal/event internal/once internal/limit internal/team internal/contact internal/widget internal/inbox")},
	{path: "internal/webhook", may: list("internal/db internal/delivery internal/event internal/feed internal/once internal/outhttp internal/team internal/webhook/dialect internal/event/eventtest"), tests: list("internal/webhook/dialect/*")},
	{path: "internal/webhook/dialect", may: list("internal/event")},
	{path: "internal/webhook/dialect/*", may: list("internal/event internal/event/jsontext internal/webhook/dialect")},
	{path: "internal/webhook/dialect/all", may: list("internal/webhook/dialect internal/webhook/dialect/*")},
	{path: "internal/webhook/dialect/all/gen"},
	{path: "internal/audit", may: list("internal/db internal/team")},
	{path: "internal/mail", may: list("internal/db internal/delivery internal/event internal/feed internal/once internal/limit internal/outhttp internal/team internal/contact internal/widget internal/media internal/inbox internal/mail/letter internal/mail/smtp")},
	{path: "internal/mail/letter", may: list("internal/event")},
	{path: "internal/mail/smtp"},
	{path: "internal/channel", may: list("internal/db internal/delivery internal/event internal/feed internal/once internal/limit internal/outhttp internal/team internal/contact internal/widget internal/media internal/inbox"), tests: list("internal/channel/*")},
	{path: "internal/channel/*", may: list("internal/channel internal/event")},
	{path: "internal/channel/all", may: list("internal/channel internal/channel/*")},
	{path: "internal/realtime", may: list("internal/event internal/feed")},
	{path: "internal/httpapi", may: list("internal/event internal/team internal/limit internal/once")},
	{path: "internal/httpapi/rest", may: list("internal/httpapi internal/delivery internal/webhook internal/webhook/dialect internal/event/eventtest internal/channel internal/limit internal/command internal/mail internal/mail/letter internal/audit internal/reply internal/onsite " + concepts), tests: list("internal/webhook/dialect/* internal/channel/*")},
	{path: "internal/httpapi/visitor", may: list("internal/httpapi internal/limit internal/channel internal/mail internal/audit internal/onsite " + concepts), tests: list("internal/channel/*")},
	{path: "internal/metrics", may: list("internal/db internal/delivery internal/feed")},
	{path: "internal/demo", may: list("web internal/httpapi")},
	{path: "internal/app", may: list("…")},
	{path: "internal/client"},
	{path: "internal/verify", may: list("internal/event/eventtest internal/webhook/dialect internal/webhook/dialect/*")},
	{path: "internal/cli", may: list("internal/app internal/config internal/client internal/verify internal/media/thumb")},
	{path: "cmd/parley", may: list("internal/cli")},
	{path: "web"},
	{path: "examples/custom-channel/go"}, // somebody else's program: it knows nothing of ours
	{path: "examples/email-callback/go"},

	{path: "internal/db/dbtest", may: list("internal/db"), testOnly: true},
	{path: "internal/golden", testOnly: true},
	{path: "internal/acceptance", tests: list("internal/app"), testOnly: true}, // rows of docs/acceptance.md, against the whole server
	{path: "internal/channel/channeltest", may: list("internal/channel internal/db internal/delivery internal/event internal/feed internal/once internal/outhttp internal/team internal/contact internal/widget internal/inbox"), testOnly: true},
	{path: "internal/app/apptest", may: list("…"), testOnly: true},
	{path: "cmd/bench", may: list("…"), testOnly: true},
	{path: "internal/arch", may: list("internal/db"), testOnly: true},
}

// outside says which rooms may import a module that is not ours. A module that is not listed may be imported nowhere.
var outside = map[string][]string{
	"github.com/go-json-experiment/json":      list("internal/inbox"),
	"modernc.org/libc":                        list("internal/db"),
	"modernc.org/sqlite":                      list("internal/db"),
	"github.com/jackc/pgx/v5":                 list("internal/db"),
	"github.com/danielgtaylor/huma/v2":        list("internal/httpapi internal/httpapi/rest internal/httpapi/visitor"),
	"github.com/coder/websocket":              list("internal/realtime cmd/bench"),
	"github.com/redis/go-redis/v9":            list("internal/realtime"),
	"github.com/alecthomas/kong":              list("internal/cli internal/config"),
	"code.dny.dev/ssrf":                       list("internal/outhttp"),
	"github.com/golang-jwt/jwt/v5":            list("internal/contact internal/widget"),
	"github.com/mileusna/useragent":           list("internal/inbox internal/httpapi/visitor"),
	"github.com/oschwald/maxminddb-golang/v2": list("internal/geo"),
	"golang.org/x/crypto":                     list("internal/team"),
	"github.com/prometheus/client_golang":     list("internal/metrics"),
	"github.com/gabriel-vasile/mimetype":      list("internal/media"),
	"golang.org/x/image":                      list("internal/media internal/media/thumb"),
	"github.com/aws/aws-sdk-go-v2":            list("internal/media"),
	"golang.org/x/net":                        list("internal/outhttp internal/media internal/mail/smtp internal/acceptance"),
	"github.com/wneessen/go-mail":             list("internal/mail/smtp"),
	"github.com/emersion/go-msgauth":          list("internal/mail/smtp"),
	"golang.org/x/text":                       list("internal/inbox internal/contact"),
	"golang.org/x/time":                       list("internal/limit internal/httpapi internal/realtime"),
}

// testLibraries may be imported by any test and by the test-only rooms.
var testLibraries = []string{
	"github.com/go-json-experiment/json", // what reading events by hand is compared with
	"github.com/google/go-cmp",
	"pgregory.net/rapid",
	"go.uber.org/goleak",
	"github.com/standard-webhooks/standard-webhooks/libraries",
	"github.com/santhosh-tekuri/jsonschema/v6",
	"github.com/coder/websocket",
	"github.com/golang-jwt/jwt/v5",
	"github.com/johannesboyne/gofakes3",
	"github.com/emersion/go-smtp",
	"github.com/emersion/go-sasl",
}

func list(s string) []string { return strings.Fields(s) }

func roomOf(dir string) *room {
	var found *room
	for i := range rooms {
		if rooms[i].path == dir {
			return &rooms[i]
		}
		if ok, _ := path.Match(rooms[i].path, dir); ok {
			found = &rooms[i]
		}
	}
	return found
}

func matches(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, _ := path.Match(p, dir)
		return ok || p == "…"
	})
}

// reach is everything that a room may import directly or through others. The rooms that hold everything together (…) are
// not followed: nothing below them may import them.
func reach(r *room, seen map[string]bool) map[string]bool {
	if slices.Contains(r.may, "…") {
		return seen
	}
	for _, other := range rooms {
		// A pattern does not mean the lists of its own neighbours.
		direct := slices.Contains(r.may, other.path) || matches(r.may, other.path) && !strings.HasSuffix(other.path, "/all")
		if direct && !seen[other.path] {
			seen[other.path] = true
			reach(&other, seen)
		}
	}
	return seen
}

// testsMay reports whether the tests of a room may import another one: whatever the room itself reaches.
func testsMay(r *room, target *room) bool {
	seen := reach(&room{may: slices.Concat(r.may, r.tests)}, map[string]bool{r.path: true})
	return seen[target.path] || slices.ContainsFunc(rooms, func(o room) bool { return seen[o.path] && slices.Contains(o.may, "…") })
}

// imports is the rule of the table.
func imports(t *tree) (out []string) {
	for _, f := range t.files {
		from := roomOf(f.dir)
		if from == nil {
			out = append(out, t.finding(f.ast.Package, "package %s has no row in the import table (internal/arch/table_test.go)", f.dir))
			continue
		}
		loose := f.test || from.testOnly
		for _, spec := range f.ast.Imports {
			p := strings.Trim(spec.Path.Value, `"`)
			first, _, _ := strings.Cut(p, "/")
			switch {
			case first == module:
				to := strings.TrimPrefix(strings.TrimPrefix(p, module), "/")
				target := roomOf(to)
				switch {
				case target == nil:
					out = append(out, t.finding(spec.Pos(), "imports %s, which has no row in the import table", to))
				case to == f.dir && f.test: // an external test of the package itself
				case target.testOnly && loose:
				case target.testOnly:
					out = append(out, t.finding(spec.Pos(), "%s is for tests only", to))
				case slices.Contains(kernel, to) && !slices.Contains(kernel, f.dir):
				case matches(from.may, to):
				case f.test && slices.Contains(samples, to):
				case f.test && (testsMay(from, target) || matches(from.tests, to)): // a pattern of tests may mean a neighbour's list
				default:
					out = append(out, t.finding(spec.Pos(), "%s may not import %s", f.dir, to))
				}
			case strings.Contains(first, "."):
				if !loose || !slices.ContainsFunc(testLibraries, within(p)) {
					if i := slices.IndexFunc(keys(outside), within(p)); i < 0 {
						out = append(out, t.finding(spec.Pos(), "no room may import %s", p))
					} else if mod := keys(outside)[i]; !matches(outside[mod], f.dir) {
						out = append(out, t.finding(spec.Pos(), "%s may not import %s; it belongs to %s", f.dir, p, strings.Join(outside[mod], ", ")))
					}
				}
			}
		}
	}
	return out
}

func within(p string) func(string) bool {
	return func(mod string) bool { return p == mod || strings.HasPrefix(p, mod+"/") }
}

func keys(m map[string][]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func TestTheTableHasNoCycleAndNoUnknownName(t *testing.T) {
	for _, r := range rooms {
		if reach(&r, map[string]bool{})[r.path] {
			t.Errorf("%s reaches itself", r.path)
		}
		for _, m := range r.may {
			if m != "…" && roomOf(m) == nil && !slices.ContainsFunc(rooms, func(o room) bool { return o.path == m }) {
				t.Errorf("%s may import %s, which has no row", r.path, m)
			}
			if slices.Contains(kernel, m) {
				t.Errorf("%s lists %s, which everybody may import", r.path, m)
			}
		}
	}
	for mod, where := range outside {
		for _, w := range where {
			if roomOf(w) == nil {
				t.Errorf("%s belongs to %s, which has no row", mod, w)
			}
		}
	}
}

func TestTheLayoutPageNamesEveryRoomThatExists(t *testing.T) {
	dir, err := root()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "docs", "layout.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range repository(t).files {
		r := roomOf(f.dir)
		if r == nil || seen[r.path] {
			continue
		}
		seen[r.path] = true
		if !strings.Contains(string(page), fmt.Sprintf("`%s`", r.path)) {
			t.Errorf("docs/layout.md does not name `%s`", r.path)
		}
	}
}
