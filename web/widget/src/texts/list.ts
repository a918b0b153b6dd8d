// The texts of the list of conversations, which is loaded when it is opened: both languages, for they are few.

const en = {
  noMessages: "No messages yet",
  open: "Open",
  ended: "Ended",
};

export type ListTexts = typeof en;

const de: ListTexts = {
  noMessages: "Noch keine Nachrichten",
  open: "Offen",
  ended: "Beendet",
};

export const listTexts = (lang: string): ListTexts => (/^de\b/i.test(lang) ? de : en);
