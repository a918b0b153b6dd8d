package letter

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"parley/internal/event"
	"parley/internal/fault"
)

// Limits of a widget's own texts, in characters. A subject is one line.
const (
	MaxSubject = 200
	MaxText    = 2000
)

// Texts are the texts of a widget's mails; a blank one counts as the default of the widget's language. {name} stands for the contact's
// name and {widget} for the widget's; where a contact has no name, the blank before {name} goes, too. In a text, addresses become links
// and an empty line begins a new paragraph.
type Texts struct {
	TranscriptSubject, TranscriptIntro string
	MissedSubject, MissedIntro         string
	ReauthSubject, ReauthIntro         string
	// Footer stands below every mail.
	Footer string
}

var placeholder = regexp.MustCompile(`\{[a-z_]*\}`)

// Check returns text.too_long, text.invalid and field.invalid (an unknown placeholder) for texts that cannot stand, at
// texts.transcript_subject and so on.
func (t Texts) Check() error {
	var faults fault.Collect
	check := func(field, v string, max int, lines bool) {
		field = "texts." + field
		switch {
		case !utf8.ValidString(v):
			faults.Add(fault.Newf(fault.TextInvalid, "%s is not UTF-8", field).At(field))
		case strings.ContainsFunc(v, func(r rune) bool { return unicode.IsControl(r) && !(lines && strings.ContainsRune("\n\r\t", r)) }):
			faults.Add(fault.Newf(fault.TextInvalid, "%s holds control characters or line breaks that it cannot have", field).At(field))
		case utf8.RuneCountInString(v) > max:
			faults.Add(fault.Newf(fault.TextTooLong, "%s is longer than %d characters", field, max).At(field))
		}
		for _, p := range placeholder.FindAllString(v, -1) {
			if p != "{name}" && p != "{widget}" {
				faults.Add(fault.Newf(fault.FieldInvalid, "%s knows no %.40s; there are {name} and {widget}", field, p).At(field))
				break
			}
		}
	}
	check("transcript_subject", t.TranscriptSubject, MaxSubject, false)
	check("transcript_intro", t.TranscriptIntro, MaxText, true)
	check("missed_subject", t.MissedSubject, MaxSubject, false)
	check("missed_intro", t.MissedIntro, MaxText, true)
	check("reauth_subject", t.ReauthSubject, MaxSubject, false)
	check("reauth_intro", t.ReauthIntro, MaxText, true)
	check("footer", t.Footer, MaxText, true)
	return faults.Err()
}

// Defaults returns the texts that count where a widget has none of its own.
func Defaults(lang string) Texts { return in(lang).texts }

// of returns subject and introduction of a kind of mail, and the footer; what is blank comes from def.
func (t Texts) of(kind string, def Texts) (subject, intro, footer string) {
	or := func(own, def string) string {
		if strings.TrimSpace(own) == "" {
			return def
		}
		return own
	}
	footer = or(t.Footer, def.Footer)
	switch kind {
	case event.MailMissed:
		return or(t.MissedSubject, def.MissedSubject), or(t.MissedIntro, def.MissedIntro), footer
	case event.MailReauth:
		return or(t.ReauthSubject, def.ReauthSubject), or(t.ReauthIntro, def.ReauthIntro), footer
	}
	return or(t.TranscriptSubject, def.TranscriptSubject), or(t.TranscriptIntro, def.TranscriptIntro), footer
}

// fill puts the names into a text. The names are put in once: what looks like a placeholder in them stays.
func fill(text, name, widget string) string {
	if name == "" {
		text = strings.NewReplacer(" {name}", "", "{name} ", "", "{name}", "").Replace(text)
	}
	return strings.NewReplacer("{name}", name, "{widget}", widget).Replace(text)
}

// words are what mails say by themselves in one language. A %s is a name or a time.
type words struct {
	lang, contact, team, you string
	texts                    Texts
	months                   [12]string
	weekdays                 [7]string
	date                     string // weekday, day, month, year
	// again begins a later session: on another day, or at a time of the same one.
	againOn, againAt                                    string
	open, answer, signIn                                string
	code, codeOnly, counts, codeCounts, ignore          string
	signsIn, noReplies                                  string
	zone, files                                         string
	ended, endedBy, endedByYou, endedTimeout            string
	reopened, reopenedBy, reopenedByYou                 string
	joined, forwarded, forwardedTo, forwardedBy         string
	forwardedByTo, paused, moved, goal                  string
	rating, ratingOf, thumbUp, thumbDown                string
	feedback, survey, deleted, edited, fetching, failed string
	picture, audio, voice, video, pdf, file             string
	hour, hours, minutes, day, days, decimal            string
}

// spoken are the words by language.
var spoken = map[string]*words{"en": &english, "de": &german}

// in returns the words of a language, of which the part before the region counts; others than ours get English.
func in(lang string) *words {
	base, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(lang, "_", "-")), "-")
	return cmp.Or(spoken[base], &english)
}

var english = words{
	lang: "en", contact: "Contact", team: "Team", you: "You",
	texts: Texts{
		TranscriptSubject: "Your conversation with {widget}",
		TranscriptIntro:   "Hello {name},\n\nThank you for talking to us. This is what was said, for you to keep.",
		MissedSubject:     "{widget} has answered you",
		MissedIntro:       "Hello {name},\n\nWe have answered you while you were away:",
		ReauthSubject:     "Sign in to {widget}",
		ReauthIntro:       "Hello {name},\n\nYou asked to get back to your conversations with us.",
		Footer:            "You get this mail because you have been in touch with {widget}.",
	},
	months:   [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	weekdays: [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
	date:     "%s, %d %s %d", againOn: "Continued on %s", againAt: "Continued at %s",
	open: "Open the conversation", answer: "Answer in the conversation", signIn: "Sign in",
	code: "Or type this code into the chat:", codeOnly: "Type this code into the chat:",
	counts:     "Link and code count for %s, and together only once. We will never ask you for them, so keep them to yourself.",
	codeCounts: "The code counts for %s and only once. We will never ask you for it, so keep it to yourself.",
	ignore:     "You did not ask for this? Then you need not do anything: without this mail nobody can sign in.",
	signsIn:    "The link signs you in. It counts for %s and only once, so keep it to yourself.",
	noReplies:  "Replies to this mail are not read.",
	zone:       "Times are in %s.", files: "Links to files stop working after some time. Save what you want to keep.",
	ended: "The conversation was ended", endedBy: "%s ended the conversation", endedByYou: "You ended the conversation", endedTimeout: "The conversation ended after a while without messages",
	reopened: "The conversation was opened again", reopenedBy: "%s opened the conversation again", reopenedByYou: "You opened the conversation again",
	joined: "%s joined the conversation", forwarded: "The conversation was forwarded to a colleague", forwardedTo: "The conversation was forwarded to %s",
	forwardedBy: "%s forwarded the conversation to a colleague", forwardedByTo: "%s forwarded the conversation to %s",
	paused: "Paused after a while without messages", moved: "The conversation goes on in %s", goal: "Goal reached: %s",
	rating: "Rating", ratingOf: "%d of 5", thumbUp: "Good", thumbDown: "Not good", feedback: "Feedback", survey: "Survey",
	deleted: "This message was deleted", edited: "edited", fetching: "not available yet", failed: "could not be fetched",
	picture: "Picture", audio: "Audio", voice: "Voice message", video: "Video", pdf: "PDF", file: "File",
	hour: "one hour", hours: "%d hours", minutes: "%d minutes", day: "one day", days: "%d days", decimal: ".",
}

var german = words{
	lang: "de", contact: "Kontakt", team: "Team", you: "Sie",
	texts: Texts{
		TranscriptSubject: "Ihre Unterhaltung mit {widget}",
		TranscriptIntro:   "Hallo {name},\n\nvielen Dank für das Gespräch. Hier ist zum Aufheben, was gesagt wurde.",
		MissedSubject:     "{widget} hat Ihnen geantwortet",
		MissedIntro:       "Hallo {name},\n\nwir haben Ihnen geantwortet, während Sie weg waren:",
		ReauthSubject:     "Bei {widget} anmelden",
		ReauthIntro:       "Hallo {name},\n\nSie möchten zurück zu Ihren Unterhaltungen mit uns.",
		Footer:            "Sie bekommen diese E-Mail, weil Sie mit {widget} in Kontakt waren.",
	},
	months:   [12]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"},
	weekdays: [7]string{"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"},
	date:     "%s, %d. %s %d", againOn: "Fortgesetzt am %s", againAt: "Fortgesetzt um %s",
	open: "Unterhaltung öffnen", answer: "In der Unterhaltung antworten", signIn: "Anmelden",
	code: "Oder geben Sie diesen Code im Chat ein:", codeOnly: "Geben Sie diesen Code im Chat ein:",
	counts:     "Link und Code gelten %s und zusammen nur einmal. Wir fragen Sie nie danach, behalten Sie beides also für sich.",
	codeCounts: "Der Code gilt %s und nur einmal. Wir fragen Sie nie danach, behalten Sie ihn also für sich.",
	ignore:     "Sie wollten das nicht? Dann müssen Sie nichts tun: Ohne diese E-Mail kann sich niemand anmelden.",
	signsIn:    "Der Link meldet Sie an. Er gilt %s und nur einmal, behalten Sie ihn also für sich.",
	noReplies:  "Antworten auf diese E-Mail werden nicht gelesen.",
	zone:       "Uhrzeiten in %s.", files: "Links zu Dateien gelten nur eine Weile. Speichern Sie, was Sie behalten möchten.",
	ended: "Die Unterhaltung wurde beendet", endedBy: "%s hat die Unterhaltung beendet", endedByYou: "Sie haben die Unterhaltung beendet", endedTimeout: "Die Unterhaltung endete nach einer Weile ohne Nachrichten",
	reopened: "Die Unterhaltung wurde wieder geöffnet", reopenedBy: "%s hat die Unterhaltung wieder geöffnet", reopenedByYou: "Sie haben die Unterhaltung wieder geöffnet",
	joined: "%s ist dabei", forwarded: "Die Unterhaltung wurde weitergegeben", forwardedTo: "Die Unterhaltung wurde an %s weitergegeben",
	forwardedBy: "%s hat die Unterhaltung weitergegeben", forwardedByTo: "%s hat die Unterhaltung an %s weitergegeben",
	paused: "Pause nach einer Weile ohne Nachrichten", moved: "Die Unterhaltung geht in %s weiter", goal: "Ziel erreicht: %s",
	rating: "Bewertung", ratingOf: "%d von 5", thumbUp: "Gut", thumbDown: "Nicht gut", feedback: "Rückmeldung", survey: "Umfrage",
	deleted: "Diese Nachricht wurde gelöscht", edited: "bearbeitet", fetching: "noch nicht verfügbar", failed: "konnte nicht geholt werden",
	picture: "Bild", audio: "Audio", voice: "Sprachnachricht", video: "Video", pdf: "PDF", file: "Datei",
	hour: "eine Stunde", hours: "%d Stunden", minutes: "%d Minuten", day: "einen Tag", days: "%d Tage", decimal: ",",
}

// dateOf is a day in words.
func (w *words) dateOf(t time.Time) string {
	return fmt.Sprintf(w.date, w.weekdays[t.Weekday()], t.Day(), w.months[t.Month()-1], t.Year())
}

// lasting is a time in words, rounded down but for what a clock loses between two readings.
func (w *words) lasting(d time.Duration) string {
	const day = 24 * time.Hour
	switch d = d.Round(time.Minute); {
	case d == time.Hour:
		return w.hour
	case d == day:
		return w.day
	case d >= 2*day:
		return fmt.Sprintf(w.days, d/day)
	case d >= 2*time.Hour:
		return fmt.Sprintf(w.hours, d/time.Hour)
	}
	return fmt.Sprintf(w.minutes, d/time.Minute)
}

var units = [...]string{"B", "kB", "MB", "GB"}

// size is a number of bytes as people write it, as the messenger shows it: in steps of 1024.
func (w *words) size(bytes int64) string {
	v, step := float64(bytes), 0
	for v >= 1024 && step < len(units)-1 {
		v, step = v/1024, step+1
	}
	digits := 0
	if step > 1 && v < 10 {
		digits = 1
	}
	n := strings.TrimSuffix(strconv.FormatFloat(v, 'f', digits, 64), ".0")
	return strings.Replace(n, ".", w.decimal, 1) + " " + units[step]
}

// clock is a length of time like 0:04.
func clock(ms int) string {
	s := max(ms, 0) / 1000
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// kind is a kind of file in words.
func (w *words) kind(k string) string {
	switch k {
	case event.MediaImage:
		return w.picture
	case event.MediaAudio:
		return w.audio
	case event.MediaVoice:
		return w.voice
	case event.MediaVideo:
		return w.video
	case event.MediaPDF:
		return w.pdf
	}
	return w.file
}
