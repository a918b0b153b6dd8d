// The texts of what is asked above the composer, which is loaded when the visitor wants one of the two: to end the conversation, or
// to go on with it on another channel.

const en = {
  end: "End this conversation?",
  endYes: "End it",
  endNo: "Keep it",
  title: (name: string) => `Continue this conversation in ${name}?`,
  where: "Where shall this conversation go on?",
  explain: (name: string) =>
    `We will write to you in ${name} under this address. Here you will still see what was written until now.`,
  email: "Your e-mail address",
  wrong: "Please enter a complete e-mail address.",
  cancel: "Stay here",
  go: "Continue there",
  gone: "This way is not open at the moment. Please stay here.",
};

export type AskTexts = typeof en;

const de: AskTexts = {
  end: "Diese Unterhaltung beenden?",
  endYes: "Beenden",
  endNo: "Weiterführen",
  title: (name) => `Diese Unterhaltung in ${name} weiterführen?`,
  where: "Wo soll diese Unterhaltung weitergehen?",
  explain: (name) =>
    `Wir schreiben Ihnen dann in ${name} unter dieser Adresse. Hier sehen Sie weiterhin, was bis jetzt geschrieben wurde.`,
  email: "Ihre E-Mail-Adresse",
  wrong: "Bitte eine vollständige E-Mail-Adresse eingeben.",
  cancel: "Hier bleiben",
  go: "Dort weiterführen",
  gone: "Dieser Weg ist gerade nicht offen. Bitte bleiben Sie hier.",
};

export const askTexts = (lang: string): AskTexts => (/^de\b/i.test(lang) ? de : en);
