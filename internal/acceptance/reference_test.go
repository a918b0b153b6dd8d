package acceptance

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestS115_AWorkedSampleForEachCallback holds live payloads against what the server's reference shows: for each of the 16 callbacks, in
// both forms, the schema and the sample. A payload and its sample have the same keys everywhere, and values of the same types.
func TestS115_AWorkedSampleForEachCallback(t *testing.T) {
	each(t, func(s *server) {
		e, old := s.addon(), s.addonWith(object{"dialect_version": "2014"})
		day := s.aDay()
		for folder, calls := range map[string][]received{"userlike": e.told(day...), "userlike-2014": old.first(len(day))} {
			compared := map[string]bool{}
			for _, c := range calls {
				name := event(c.body)
				compared[name] = true
				status, raw := s.admin().raw("GET", "/docs/schemas/"+folder+"/"+name+".json", nil)
				if status != http.StatusOK {
					s.Fatalf("the schema of %s in %s: %d", name, folder, status)
				}
				live, err := jsonschema.UnmarshalJSON(bytes.NewReader(c.raw))
				if err != nil {
					s.Fatal(err)
				}
				if err := compile(s, raw).Validate(live); err != nil {
					s.Errorf("a live %s in %s does not fit its schema: %v", name, folder, err)
				}
				var sample object
				if status, raw = s.admin().raw("GET", "/docs/samples/"+folder+"/"+name+".json", nil); status != http.StatusOK {
					s.Fatalf("the sample of %s in %s: %d", name, folder, status)
				}
				if err := json.Unmarshal(raw, &sample); err != nil {
					s.Fatal(err)
				}
				same(s, folder+" "+name, map[string]any(c.body), map[string]any(sample))
			}
			if len(compared) != 16 {
				s.Errorf("%s: %d callbacks were compared: %q", folder, len(compared), slices.Sorted(maps.Keys(compared)))
			}
		}
		_, page := s.admin().raw("GET", "/docs/webhooks", nil)
		for _, name := range all16 {
			typ, ev := "", ""
			for _, typ = range []string{"chat_session", "conversation", "operator", "um_widget"} {
				if rest, ok := strings.CutPrefix(name, typ+"_"); ok {
					ev = rest
					break
				}
			}
			if !strings.Contains(string(page), `id="userlike-`+typ+"."+ev+`"`) {
				s.Errorf("the reference does not show %s", name)
			}
		}
	})
}

// event is the name to which an endpoint subscribes for a call, in both forms.
func event(body object) string {
	typ, name := body.text("_type"), body.text("_event")
	switch {
	case typ == "chat_meta" && name == "receive":
		name = "end"
		fallthrough
	case typ == "chat_meta":
		typ = "chat_session"
	case typ == "chat_widget":
		typ = "um_widget"
	}
	return typ + "." + name
}

func compile(s *server, raw []byte) *jsonschema.Schema {
	s.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		s.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("https://schemas.example/one.json", doc); err != nil {
		s.Fatal(err)
	}
	compiled, err := c.Compile("https://schemas.example/one.json")
	if err != nil {
		s.Fatal(err)
	}
	return compiled
}

// same compares the form of two values: keys and types. null is the unknown of any type, custom is the site's own, and of a list all
// entries have the form of the first.
func same(s *server, at string, live, sample any) {
	s.Helper()
	if live == nil || sample == nil || strings.HasSuffix(at, ".custom") {
		return
	}
	switch live := live.(type) {
	case map[string]any:
		other, ok := sample.(map[string]any)
		if !ok || !slices.Equal(slices.Sorted(maps.Keys(live)), slices.Sorted(maps.Keys(other))) {
			s.Errorf("%s has the keys %q, its sample is %v", at, slices.Sorted(maps.Keys(live)), sample)
			return
		}
		for k := range live {
			same(s, at+"."+k, live[k], other[k])
		}
	case []any:
		other, ok := sample.([]any)
		if !ok {
			s.Errorf("%s is a list, and in its sample %v", at, sample)
			return
		}
		for i := range live {
			if len(other) > 0 {
				same(s, at+"[]", live[i], other[0])
			}
		}
	case string:
		if _, ok := sample.(string); !ok {
			s.Errorf("%s is a text, and in its sample %v", at, sample)
		}
	case float64:
		if _, ok := sample.(float64); !ok {
			s.Errorf("%s is a number, and in its sample %v", at, sample)
		}
	case bool:
		if _, ok := sample.(bool); !ok {
			s.Errorf("%s is a boolean, and in its sample %v", at, sample)
		}
	}
}
