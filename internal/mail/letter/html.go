package letter

import (
	_ "embed"
	"html/template"
	"strings"
)

//go:embed mail.html
var htmlSource string

// htmlForm is made once, with the colours that are the same for all widgets put in by name. Its inlined styles are the mail; the style
// sheet is for programs that know dark mode and small screens. No comment survives it, so there are none for single mail programs.
var htmlForm = template.Must(template.New("mail").Parse(strings.NewReplacer(
	"{{white}}", white.String(), "{{ink}}", ink.String(), "{{mute}}", mute.String(), "{{pale}}", pale.String(), "{{ground}}", ground.String(),
	"{{darkCard}}", darkCard.String(), "{{darkInk}}", darkInk.String(), "{{darkMute}}", darkMute.String(), "{{darkPale}}", darkPale.String(),
	"{{darkPage}}", darkPage.String(),
).Replace(htmlSource)))

// html is the page as HTML. All that people wrote goes through the template's escaping.
func (p *page) html() (string, error) {
	var b strings.Builder
	if err := htmlForm.Execute(&b, p); err != nil {
		return "", err
	}
	return b.String(), nil
}
