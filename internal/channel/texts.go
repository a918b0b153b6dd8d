package channel

import "strings"

// texts are what we say by ourselves, in one language (S-062).
type texts struct{ receipt, moved string }

// spoken are the texts by language.
var spoken = map[string]texts{
	"en": {"Thank you for your message. We will answer here as soon as we can.", "Your conversation goes on here. Just reply to this message."},
	"de": {"Danke für Ihre Nachricht. Wir antworten hier, so schnell wir können.", "Ihr Gespräch geht hier weiter. Antworten Sie einfach auf diese Nachricht."},
	"fr": {"Merci pour votre message. Nous vous répondrons ici dès que possible.", "Votre conversation se poursuit ici. Il suffit de répondre à ce message."},
	"es": {"Gracias por su mensaje. Le responderemos aquí en cuanto podamos.", "Su conversación continúa aquí. Solo tiene que responder a este mensaje."},
	"it": {"Grazie per il suo messaggio. Le risponderemo qui appena possibile.", "La sua conversazione continua qui. Basta rispondere a questo messaggio."},
	"nl": {"Bedankt voor uw bericht. We antwoorden hier zo snel mogelijk.", "Uw gesprek gaat hier verder. Beantwoord gewoon dit bericht."},
	"pt": {"Obrigado pela sua mensagem. Responderemos aqui assim que possível.", "A sua conversa continua aqui. Basta responder a esta mensagem."},
}

// in returns the texts of a language, of which the part before the region counts; others than ours get English.
func in(lang string) texts {
	base, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(lang, "_", "-")), "-")
	if t, ok := spoken[base]; ok {
		return t
	}
	return spoken["en"]
}

func receiptText(lang string) string { return in(lang).receipt }

func movedText(lang string) string { return in(lang).moved }
