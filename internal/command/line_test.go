package command

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"parley/internal/fault"
)

func TestEveryPrefixAndAliasIsTheSameCommand(t *testing.T) {
	for _, c := range registry() {
		for _, name := range slices.Concat([]string{c.Name, strings.ToUpper(c.Name)}, c.Aliases) {
			for _, prefix := range Prefixes {
				got, rest, err := parse("  " + string(prefix) + name + "  some  text ")
				if err != nil || got.Name != c.Name || rest != "some  text" {
					t.Errorf("%c%s: %v, %q, %v", prefix, name, got, rest, err)
				}
				if got, ok := Looks(string(prefix) + name); !ok || got != c.Name {
					t.Errorf("%c%s does not look like a command: %q", prefix, name, got)
				}
			}
		}
	}
}

func TestNamesAndAliasesAreUniqueAndPlain(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range registry() {
		for _, name := range slices.Concat([]string{c.Name}, c.Aliases) {
			if seen[name] {
				t.Errorf("%s is there twice", name)
			}
			seen[name] = true
			if name == "" || strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }) {
				t.Errorf("%q is no name", name)
			}
		}
		if c.Help == "" || !strings.HasSuffix(c.Help, ".") || (c.Args == "") != (c.Argument == None) || c.run == nil || c.Permission == "" {
			t.Errorf("%+v is not complete", c)
		}
	}
}

func TestWhatIsNoCommandIsNone(t *testing.T) {
	for _, text := range []string{"", "$", "$ api", "hello $api", "$apis", "/end/of/it", "/usr/bin/env", "!important", "$5 please", "api", "＄api", "$$api", "?end"} {
		if name, ok := Looks(text); ok {
			t.Errorf("%q looks like %s", text, name)
		}
	}
	for _, text := range []string{"$api", " $api", "/end now", "!NOTE\nsecret", "$x\tplease", "\n/help", "$api ", "/end.", "$note: they are cross", "!END!", "$forward, Ann", `$tag"x"`} {
		if _, ok := Looks(text); !ok {
			t.Errorf("%q does not look like a command", text)
		}
	}
}

func TestAnUnknownCommandIsRefusedWithTheNearestName(t *testing.T) {
	for line, hint := range map[string]string{
		"$apo": "$api", "/forwrad Ann": "$forward", "!hlep": "$help", "$additional04 x": "$additional01", "$transkript": "$transcript", "$picture": "$help lists", "$": "begins with", "hello": "begins with",
		"$" + strings.Repeat("y", 50): "$help lists",
	} {
		_, _, err := parse(line)
		f := fault.As(err)
		if f.Code != fault.CommandUnknown || f.Field != "line" || !strings.Contains(f.Detail, hint) {
			t.Errorf("%q: %v, want a hint of %s", line, err, hint)
		}
	}
	for _, line := range []string{"$note \xff", "$note a\x00b", "$note " + strings.Repeat("x", 20000)} {
		if _, _, err := parse(line); !fault.Is(err, fault.CommandArgument) {
			t.Errorf("%.20q: %v", line, err)
		}
	}
}

func TestWords(t *testing.T) {
	for in, want := range map[string][]string{
		"":                         nil,
		" , ":                      nil,
		"a b":                      {"a", "b"},
		"a,b , c":                  {"a", "b", "c"},
		`"two words" x`:            {"two words", "x"},
		`"a \"b\" \\ c",d`:         {`a "b" \ c`, "d"},
		"“curved one” „low one“ x": {"curved one", "low one", "x"},
		`""`:                       {""},
		`O'Brien it's`:             {"O'Brien", "it's"},
		`5"x7" "`:                  {`!`},
		`"open`:                    {`!`},
		`"a"b`:                     {"a", "b"},
		"ärger\u00a0\u2003ok":      {"ärger", "ok"},
	} {
		got, ok := words(in, blankOrComma)
		if len(want) == 1 && want[0] == "!" {
			if ok {
				t.Errorf("%q is %q", in, got)
			}
			continue
		}
		if !ok && len(want) > 0 || !slices.Equal(got, want) {
			t.Errorf("%q is %q, %v, want %q", in, got, ok, want)
		}
	}
	for in, want := range map[string]string{"Ann Lee": "Ann Lee", `"Ann Lee"`: "Ann Lee", `"Ann" Lee`: `"Ann" Lee`, `""`: "", `"x`: `"x`, "": ""} {
		if got := text(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// Whatever is typed: a line is a command, or a fault of the line that names no code of ours; words and text lose and invent nothing.
func FuzzLine(f *testing.F) {
	for _, s := range []string{"$api", "/forward \"Ann Lee\" please", "!tag a, \"b c\" “d”", "$note \\\" \"", "$", "$\u00a0x", "\xff$end", "$field a \"\\\"", "＄end", "/chatlio send-to-webhook extra stuff", "/chatlio", "/Chatlio: EMAIL a@b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, rest, err := parse(line)
		looks, ok := Looks(line)
		if err != nil {
			if f := fault.As(err); f.Code != fault.CommandUnknown && f.Code != fault.CommandArgument || f.Field != "line" {
				t.Fatalf("%q: %v", line, err)
			}
			// What is stuck to a name, or follows the second family's word, looks like a command and is none.
			name, _, _ := split(line)
			if ok && find(name) != nil && utf8.ValidString(line) && !strings.ContainsRune(line, 0) && len(line) < 1000 {
				t.Fatalf("%q looks like %s and is refused: %v", line, looks, err)
			}
			return
		}
		if !ok || looks != c.Name {
			t.Fatalf("%q is %s and looks like %q", line, c.Name, looks)
		}
		if rest != strings.TrimSpace(rest) || !strings.HasSuffix(strings.TrimSpace(line), rest) {
			t.Fatalf("%q leaves %q", line, rest)
		}
		list, ok := words(rest, blankOrComma)
		if !ok {
			return
		}
		for _, w := range list {
			if !strings.ContainsAny(rest, quotes) && (strings.ContainsFunc(w, unicode.IsSpace) || !strings.Contains(rest, w)) {
				t.Fatalf("%q has the word %q", rest, w)
			}
		}
		if !utf8.ValidString(text(rest)) {
			t.Fatalf("%q becomes %q", rest, text(rest))
		}
	})
}

// A bridge passes on what was typed there with its own word before it. After that word "email" means what it means there.
func TestTheSecondFamilysWord(t *testing.T) {
	for line, want := range map[string][2]string{
		"/chatlio send-to-webhook extra stuff here": {"send-to-webhook", "extra stuff here"},
		"/CHATLIO  STW":             {"send-to-webhook", ""},
		"/chatlio email a@b.c":      {"transcript", "a@b.c"},
		"/chatlio e":                {"transcript", ""},
		"/e a@b.c":                  {"transcript", "a@b.c"},
		"/email a@b.c":              {"email", "a@b.c"},
		"$chatlio\nr hello":         {"reply", "hello"},
		"!chatlio on":               {"online", ""},
		"/chatlio":                  {"help", ""},
		"/chatlio help":             {"help", ""},
		"/chatlio question-group a": {"question-group", "a"},
		"/chatlio x":                {"end", ""},
	} {
		c, rest, err := parse(line)
		if err != nil || c.Name != want[0] || rest != want[1] {
			t.Errorf("%q is %v, %q, %v", line, c, rest, err)
		}
		if name, ok := Looks(line); !ok || name != want[0] {
			t.Errorf("%q looks like %q", line, name)
		}
	}
	if _, _, err := parse("/chatlio dsicard"); !fault.Is(err, fault.CommandUnknown) || !strings.Contains(err.Error(), "$discard") {
		t.Error(err)
	}
	if _, _, err := parse("/chatlio chatlio end"); !fault.Is(err, fault.CommandUnknown) {
		t.Error(err)
	}
	// What is none of its commands does not go to the contact either.
	if name, ok := Looks("/chatlio dance"); !ok || name != family {
		t.Errorf("it looks like %q", name)
	}
	if name, ok := Looks("/chatlion roars"); ok {
		t.Errorf("it looks like %q", name)
	}
}
