package rest

import (
	"archive/zip"
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/event/eventtest"
	"parley/internal/fault"
	"parley/internal/httpapi"
	"parley/internal/mail/letter"
	"parley/internal/webhook/dialect"
)

//go:embed docs
var docsFiles embed.FS

// registerDocs serves the reference pages from memory. They are rendered when the first one is asked for, and use no script and
// no foreign files.
func registerDocs(mux *http.ServeMux, doc *huma.OpenAPI, order []string, o Options) {
	pages := sync.OnceValue(func() http.HandlerFunc {
		b := &docsBuilder{doc: doc, options: o, codes: map[string]bool{}, order: order}
		for _, e := range fault.Catalogue() {
			b.codes[string(e.Code)] = true
		}
		files := b.files()
		static := httpapi.Pages(httpapi.Static(inMemory(files), httpapi.StaticOptions{Prefix: "/docs/"}))
		return func(w http.ResponseWriter, r *http.Request) {
			// A page's address has no extension.
			name := cmp.Or(strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/docs"), "/"), "index")
			if files[name+".html"] != nil {
				name += ".html"
			}
			to := r.Clone(r.Context())
			to.URL.Path = "/docs/" + name
			static.ServeHTTP(w, to)
		}
	})
	serve := func(w http.ResponseWriter, r *http.Request) { pages()(w, r) }
	mux.HandleFunc("GET /docs", serve)
	mux.HandleFunc("GET /docs/", serve)
}

// inMemory is a file system of the files. A zip archive is the one that the standard library can keep in memory.
func inMemory(files map[string][]byte) *zip.Reader {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = f.Write(files[name])
		}
		if err != nil {
			panic("rest: docs: " + err.Error())
		}
	}
	if err := w.Close(); err != nil {
		panic("rest: docs: " + err.Error())
	}
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		panic("rest: docs: " + err.Error())
	}
	return r
}

type docsBuilder struct {
	doc     *huma.OpenAPI
	options Options
	codes   map[string]bool
	// order are the operations' ids in the order of the reference.
	order []string
}

// docsPage is what every page's template gets.
type docsPage struct {
	Name, Title string
	PublicURL   string
	Base        string
	Tags        []docsTag
	Schemas     []docsSchema
	Errors      []docsError
	Types       []docsType
	Dialects    []docsDialect
	Channels    []docsChannel
	Mails       []docsDocument
	Limits      []docsLimits
}

type docsTag struct {
	Name, ID, Description string
	Operations            []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Description string
	Scope                                  string
	// Repeatable tells that an Idempotency-Key is honoured; the guide explains it once for all.
	Repeatable    bool
	Parameters    []docsField
	Body          template.HTML
	BodyFields    []docsField
	BodyExample   string
	Status        string
	Answer        template.HTML
	AnswerExample string
	Errors        []docsStatus
}

type docsStatus struct {
	Status, Text string
	Codes        []string
}

type docsField struct {
	Name, In    string
	Required    bool
	Type        template.HTML
	Description string
}

type docsSchema struct {
	Name   string
	Fields []docsField
}

type docsError struct {
	Code, Title string
	Status      int
}

type docsType struct{ Name, Title, Description string }

type docsDialect struct {
	Name, Title, Version, Success string
	// Older are the other forms that an endpoint can be pinned to, the newest first.
	Older  []docsForm
	Events []docsCallback
	// Switches are what an endpoint may turn on about its bodies; the samples show all of them off.
	Switches []dialect.Switch
}

// docsCallback is an event of a dialect, with its sample in each form, the current one first.
type docsCallback struct {
	Name, Title, Description string
	Samples                  []docsForm
}

// docsForm is a form of a dialect. SchemaURL is that of all its bodies, or of one event's, and Sample one event's body.
type docsForm struct {
	Version           string
	Current           bool
	SchemaURL, Sample string
}

// docsChannel is a type of channels that others speak to.
type docsChannel struct {
	Type, Label, Description string
	Documents                []docsDocument
}

// docsDocument is a payload of a channel, or of the e-mail callback: then Sample is shortened, and whole at SampleURL.
type docsDocument struct{ Name, Title, SchemaURL, Sample, SampleURL string }

// channelKinds describes the types of channels that have payloads, and adds their schemas and samples to the files.
func (b *docsBuilder) channelKinds(files map[string][]byte) (out []docsChannel) {
	for _, info := range b.options.Channels.Types() {
		if len(info.Documents) == 0 {
			continue
		}
		c := docsChannel{Type: info.Type, Label: info.Label, Description: info.Description}
		for _, d := range info.Documents {
			name := "channel-" + info.Type + "/" + d.Name + ".json"
			sample := pretty(d.Sample)
			files["schemas/"+name], files["samples/"+name] = d.Schema, []byte(sample+"\n")
			c.Documents = append(c.Documents, docsDocument{Name: d.Name, Title: d.Title, SchemaURL: "/docs/schemas/" + name, Sample: sample})
		}
		out = append(out, c)
	}
	return out
}

// htmlKey is the first line of an e-mail callback's body: a whole page, which nobody reads in one line.
var htmlKey = regexp.MustCompile(`(?m)^(  "html": )".*",$`)

// emailCallback describes the bodies of the e-mail callback, and adds their schemas and samples to the files.
func (b *docsBuilder) emailCallback(files map[string][]byte) (out []docsDocument) {
	documents, err := letter.Documents()
	if err != nil {
		panic("rest: docs: " + err.Error())
	}
	for _, d := range documents {
		name, sample := "email/"+d.Name+".json", pretty(d.Sample)
		files["schemas/"+name], files["samples/"+name] = d.Schema, []byte(sample+"\n")
		out = append(out, docsDocument{Name: d.Name, Title: d.Title, SchemaURL: "/docs/schemas/" + name, Sample: htmlKey.ReplaceAllString(sample, `${1}"…",`),
			SampleURL: "/docs/samples/" + name})
	}
	return out
}

// files renders everything that stands below /docs/.
func (b *docsBuilder) files() map[string][]byte {
	page := docsPage{PublicURL: b.options.PublicURL, Base: b.options.PublicURL + Prefix}
	page.Tags, page.Schemas, page.Limits = b.tags(), b.schemas(), limits()
	for _, e := range fault.Catalogue() {
		page.Errors = append(page.Errors, docsError{string(e.Code), e.Title, httpapi.StatusOf(fault.New(e.Code, ""))})
	}
	out := map[string][]byte{}
	page.Channels, page.Mails = b.channelKinds(out), b.emailCallback(out)
	for _, d := range b.options.Webhooks.Dialects {
		info := d.Info()
		page.Dialects = append(page.Dialects, b.dialect(d, info, out))
		if info.Name == "standard" {
			for _, e := range info.Events {
				page.Types = append(page.Types, docsType{e.Name, e.Title, e.Description})
			}
		}
	}
	t := template.Must(template.New("").Funcs(template.FuncMap{"prose": b.prose, "lower": strings.ToLower}).ParseFS(docsFiles, "docs/*.html"))
	for _, p := range []struct{ name, title string }{
		{"index", "Guide"}, {"api", "API reference"}, {"events", "Events and sockets"}, {"webhooks", "Callbacks"}, {"channels", "Channels"}, {"mails", "The e-mail callback"}, {"limits", "Limits"}, {"errors", "Error codes"},
	} {
		page.Name, page.Title = p.name, p.title
		var w bytes.Buffer
		if err := t.ExecuteTemplate(&w, p.name+".html", page); err != nil {
			panic("rest: docs page " + p.name + ": " + err.Error())
		}
		out[p.name+".html"] = w.Bytes()
	}
	for _, name := range []string{"docs.css"} {
		raw, err := docsFiles.ReadFile(path.Join("docs", name))
		if err != nil {
			panic("rest: docs: " + err.Error())
		}
		out[name] = raw
	}
	return out
}

// dialect describes a dialect in all its forms, and adds its files: the schemas, one of each form and one of each event, and the
// samples, which are rendered by the code that makes the calls.
func (b *docsBuilder) dialect(d dialect.Dialect, info dialect.Info, files map[string][]byte) docsDialect {
	out := docsDialect{Name: info.Name, Title: info.Title, Version: info.Version, Success: info.Success, Switches: info.Switches}
	for _, e := range info.Events {
		out.Events = append(out.Events, docsCallback{Name: e.Name, Title: e.Title, Description: e.Description})
	}
	for _, version := range slices.Backward(info.Versions) {
		folder := info.Name
		if version != info.Version {
			folder += "-" + version
		}
		schema := "schemas/" + folder + ".json"
		files[schema] = info.SchemaOf(version)
		if version != info.Version {
			out.Older = append(out.Older, docsForm{Version: version, SchemaURL: "/docs/" + schema})
		}
		for i, e := range info.Events {
			if !info.Hears(version, e.Name) {
				continue
			}
			one, err := dialect.EventSchema(info, version, e.Name)
			if err != nil {
				panic("rest: docs: " + err.Error())
			}
			name := folder + "/" + e.Name + ".json"
			files["schemas/"+name] = one
			form := docsForm{Version: version, Current: version == info.Version, SchemaURL: "/docs/schemas/" + name}
			if body := b.sample(d, e.Name, version); body != nil {
				form.Sample = pretty(body)
				files["samples/"+name] = []byte(form.Sample + "\n")
			}
			out.Events[i].Samples = append(out.Events[i].Samples, form)
		}
	}
	return out
}

// sample is the first sample of an event in a form of a dialect, nil when there is none.
func (b *docsBuilder) sample(d dialect.Dialect, name, version string) []byte {
	for _, e := range eventtest.Samples() {
		if called, told := d.Name(e); !told || called != name {
			continue
		}
		body, err := d.Render(e, dialect.Options{PublicURL: b.options.PublicURL, Version: version, NoReply: b.options.Webhooks.NoReply, MediaURL: eventtest.MediaURL(b.options.PublicURL)})
		if err != nil {
			panic(fmt.Sprintf("rest: sample of %s: %v", name, err))
		}
		return body
	}
	return nil
}

func pretty(raw []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		panic("rest: docs: " + err.Error())
	}
	return b.String()
}

func (b *docsBuilder) tags() []docsTag {
	out := make([]docsTag, len(b.doc.Tags))
	for i, t := range b.doc.Tags {
		out[i] = docsTag{Name: t.Name, ID: strings.ReplaceAll(strings.ToLower(t.Name), " ", "-"), Description: t.Description}
	}
	eachOperation(b.doc, func(p, method string, op *huma.Operation) {
		i := slices.IndexFunc(out, func(t docsTag) bool { return t.Name == op.Tags[0] })
		out[i].Operations = append(out[i].Operations, b.operation(p, method, op))
	})
	for _, t := range out {
		slices.SortFunc(t.Operations, func(x, y docsOperation) int {
			return cmp.Compare(slices.Index(b.order, x.ID), slices.Index(b.order, y.ID))
		})
	}
	return out
}

func (b *docsBuilder) operation(p, method string, op *huma.Operation) docsOperation {
	// The codes stand with their statuses, so the description need not repeat them.
	text, _, _ := strings.Cut(op.Description, "Codes: ")
	o := docsOperation{ID: op.OperationID, Method: method, Path: p, Summary: op.Summary, Description: strings.TrimSpace(text)}
	for _, s := range op.Security {
		for _, scopes := range s {
			if len(scopes) > 0 {
				o.Scope = scopes[0]
			}
		}
	}
	for _, q := range op.Parameters {
		if q.Name == idempotencyKey {
			o.Repeatable = true
			continue
		}
		f := docsField{Name: q.Name, In: q.In, Required: q.Required, Type: b.typeOf(q.Schema), Description: q.Description}
		if q.Schema.Default != nil {
			f.Description = strings.TrimSpace(f.Description + " Default: `" + fmt.Sprint(q.Schema.Default) + "`.")
		}
		o.Parameters = append(o.Parameters, f)
	}
	if op.RequestBody != nil && op.RequestBody.Content[uploadType] != nil {
		o.Body = "the bytes of the file"
	} else if op.RequestBody != nil {
		m := op.RequestBody.Content["application/json"]
		o.Body, o.BodyExample = b.typeOf(m.Schema), pretty(m.Example.(json.RawMessage))
		o.BodyFields = b.fields(m.Schema.Ref)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		n, err := strconv.Atoi(status)
		if err != nil {
			continue
		}
		if n < 400 {
			o.Status = status
			if m := r.Content["application/json"]; m != nil {
				o.Answer, o.AnswerExample = b.typeOf(m.Schema), pretty(m.Example.(json.RawMessage))
			}
			continue
		}
		s := docsStatus{Status: status, Text: http.StatusText(n)}
		for _, m := range quoted.FindAllStringSubmatch(r.Description, -1) {
			s.Codes = append(s.Codes, m[1])
		}
		o.Errors = append(o.Errors, s)
	}
	return o
}

func (b *docsBuilder) schemas() []docsSchema {
	var out []docsSchema
	for name := range b.doc.Components.Schemas.Map() {
		out = append(out, docsSchema{schemaName(name), b.fields("#/components/schemas/" + name)})
	}
	slices.SortFunc(out, func(x, y docsSchema) int { return cmp.Compare(x.Name, y.Name) })
	return out
}

// fields lists a schema's properties in the order in which they are written.
func (b *docsBuilder) fields(ref string) []docsField {
	if ref == "" {
		return nil
	}
	r := b.doc.Components.Schemas
	s, t := r.SchemaFromRef(ref), r.TypeFromRef(ref)
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	var out []docsField
	for _, name := range propertyNames(t, s) {
		p := s.Properties[name]
		out = append(out, docsField{Name: name, Required: slices.Contains(s.Required, name), Type: b.typeOf(p), Description: p.Description})
	}
	return out
}

// typeOf writes a type in words, with links to the schemas.
func (b *docsBuilder) typeOf(s *huma.Schema) template.HTML {
	var text string
	switch {
	case s.Ref != "":
		name := schemaName(refName(s.Ref))
		text = `<a href="/docs/api#schema-` + template.HTMLEscapeString(name) + `">` + template.HTMLEscapeString(name) + `</a>`
	case len(s.AnyOf) > 0:
		var parts []string
		for _, p := range s.AnyOf {
			parts = append(parts, string(b.typeOf(p)))
		}
		text = strings.Join(parts, " or ")
	case len(s.Enum) > 0:
		var parts []string
		for _, v := range s.Enum {
			if v != nil {
				parts = append(parts, "<code>"+template.HTMLEscapeString(fmt.Sprint(v))+"</code>")
			}
		}
		text = strings.Join(parts, " ")
	case s.Type == huma.TypeArray:
		text = "list of " + string(b.typeOf(s.Items))
	case s.Type == huma.TypeObject:
		text = "object"
		if of, ok := s.AdditionalProperties.(*huma.Schema); ok {
			text = "object of " + string(b.typeOf(of))
		}
	case s.Format == "date-time":
		text = "time"
	default:
		text = template.HTMLEscapeString(cmp.Or(s.Type, "anything"))
	}
	if s.Nullable && s.Type != huma.TypeArray {
		text += " or null"
	}
	var limits []string
	if s.Minimum != nil {
		limits = append(limits, "≥ "+number(*s.Minimum))
	}
	if s.Maximum != nil {
		limits = append(limits, "≤ "+number(*s.Maximum))
	}
	if s.MaxLength != nil {
		limits = append(limits, "at most "+strconv.Itoa(*s.MaxLength)+" characters")
	}
	if len(limits) > 0 {
		text += ", " + strings.Join(limits, ", ")
	}
	return template.HTML(text) // every foreign part was escaped above
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

var (
	quoted = regexp.MustCompile("`([^`]+)`")
	strong = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	page   = regexp.MustCompile(`/docs/[a-z]+`)
)

// prose renders the little Markdown that descriptions use: paragraphs, **bold**, `code`; error codes and pages become links.
func (b *docsBuilder) prose(text string) template.HTML {
	var out strings.Builder
	for p := range strings.SplitSeq(text, "\n\n") {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		p = template.HTMLEscapeString(p)
		p = page.ReplaceAllString(p, `<a href="$0">$0</a>`)
		p = strong.ReplaceAllString(p, "<strong>$1</strong>")
		p = quoted.ReplaceAllStringFunc(p, func(m string) string {
			code := strings.Trim(m, "`")
			if b.codes[code] {
				return `<a href="/docs/errors#` + code + `"><code>` + code + "</code></a>"
			}
			return "<code>" + code + "</code>"
		})
		out.WriteString("<p>" + p + "</p>")
	}
	return template.HTML(out.String()) // escaped before anything was added
}
