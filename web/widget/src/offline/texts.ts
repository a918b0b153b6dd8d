// The texts of the form for when nobody is there, which is loaded when it is shown.

const en = {
  title: "Leave us a message",
  back: (when: string) => `We are back ${when}.`,
  today: (time: string) => `today at ${time}`,
  tomorrow: (time: string) => `tomorrow at ${time}`,
  later: (day: string, time: string) => `on ${day} at ${time}`,
  answer: "We will answer by e-mail.",
  name: "Your name (optional)",
  email: "Your e-mail address",
  message: "Your message",
  send: "Send message",
  wrong: "Please enter a complete e-mail address.",
  empty: "Please write a message.",
  long: (most: string, now: string) => `Please shorten your message to ${most} characters. It has ${now}.`,
  sending: "Sending …",
  waiting: "There is no connection. Your message is kept here and sent as soon as there is one.",
  thanks: "Thank you!",
  stored: (email: string) => `We have your message and will answer to ${email}.`,
  show: "Show my message",
};

export type OfflineTexts = typeof en;

const de: OfflineTexts = {
  title: "Nachricht hinterlassen",
  back: (when) => `Wir sind ${when} wieder da.`,
  today: (time) => `heute um ${time} Uhr`,
  tomorrow: (time) => `morgen um ${time} Uhr`,
  later: (day, time) => `am ${day} um ${time} Uhr`,
  answer: "Wir antworten per E-Mail.",
  name: "Ihr Name (freiwillig)",
  email: "Ihre E-Mail-Adresse",
  message: "Ihre Nachricht",
  send: "Nachricht senden",
  wrong: "Bitte eine vollständige E-Mail-Adresse eingeben.",
  empty: "Bitte eine Nachricht schreiben.",
  long: (most, now) => `Bitte kürzen Sie die Nachricht auf ${most} Zeichen. Sie hat ${now}.`,
  sending: "Wird gesendet …",
  waiting: "Keine Verbindung. Ihre Nachricht ist hier gespeichert und wird gesendet, sobald es geht.",
  thanks: "Vielen Dank!",
  stored: (email) => `Wir haben Ihre Nachricht und antworten an ${email}.`,
  show: "Meine Nachricht zeigen",
};

export const offlineTexts = (lang: string): OfflineTexts => (/^de\b/i.test(lang) ? de : en);

const DAY = 86_400_000;

/** When somebody is there again, in the visitor's own time and words; "" for no time, or one that is over. */
export function backText(
  opensAt: string | null | undefined,
  now: Date,
  lang: string,
  locale: string,
): string {
  const at = new Date(opensAt ?? "");
  if (!(at > now)) return "";
  const texts = offlineTexts(lang);
  const time = at.toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
  const midnight = (one: Date) => Date.UTC(one.getFullYear(), one.getMonth(), one.getDate());
  const days = Math.round((midnight(at) - midnight(now)) / DAY);
  const named = (form: Intl.DateTimeFormatOptions) => texts.later(at.toLocaleDateString(locale, form), time);
  return texts.back(
    days === 0
      ? texts.today(time)
      : days === 1
        ? texts.tomorrow(time)
        : named(days < 7 ? { weekday: "long" } : { day: "numeric", month: "long" }),
  );
}
