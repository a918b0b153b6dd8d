package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// width is how many columns a table may have.
const width = 100

// column is one of a table. The last one takes the room that is left; what does not fit is cut.
type column struct {
	title string
	right bool
	// most is how wide it may be; 0 means as wide as it likes.
	most int
}

// printTable prints rows under their titles.
func printTable(w io.Writer, columns []column, rows [][]string) {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = utf8.RuneCountInString(c.title)
		for _, r := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(r[i]))
		}
		if c.most > 0 {
			widths[i] = min(widths[i], c.most)
		}
	}
	room := width
	for _, n := range widths[:len(widths)-1] {
		room -= n + 2
	}
	last := len(columns) - 1
	widths[last] = min(widths[last], max(room, 8))
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.title
	}
	for _, r := range append([][]string{titles}, rows...) {
		var line strings.Builder
		for i, cell := range r {
			if i > 0 {
				line.WriteString("  ")
			}
			cell = cut(cell, widths[i])
			if pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)); columns[i].right {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// cut shortens a text to n characters and shows that it did.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// plain makes a text of somebody else safe to print in a line: no character of it moves the cursor or turns the line around.
func plain(s string) string { return printable(s, "") }

// plainText is plain for a text of several lines.
func plainText(s string) string { return printable(s, "\n\t") }

func printable(s, keep string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || strings.ContainsRune(keep, r) {
			return r
		}
		return '\uFFFD'
	}, s)
}

// wrapped prints a text in lines that fit, each after the indent.
func wrapped(w io.Writer, indent, text string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(indent+line)+1+utf8.RuneCountInString(word) > width {
			fmt.Fprintln(w, indent+line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		fmt.Fprintln(w, indent+line)
	}
}

// indented prints a text as it is, with its lines moved to the right.
func indented(w io.Writer, text string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintln(w, strings.TrimRight("    "+line, " "))
	}
}
