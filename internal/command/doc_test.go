package command

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The page for operators has a row for every command, in the order of the help, and for nothing else.
func TestThePageNamesEveryCommand(t *testing.T) {
	raw, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(raw)) {
		if strings.HasPrefix(line, "| `$") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	var want []string
	for _, c := range registry() {
		aliases := "–"
		if len(c.Aliases) > 0 {
			aliases = "`$" + strings.Join(c.Aliases, "`, `$") + "`"
		}
		want = append(want, fmt.Sprintf("| `%s` | %s | %s |", strings.ReplaceAll(c.usage(), "|", `\|`), aliases, c.Help))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("docs/commands.md should have these rows:\n%s", strings.Join(want, "\n"))
	}
}
