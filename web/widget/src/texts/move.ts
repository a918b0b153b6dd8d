// The texts of the step to another channel, which is loaded when the visitor asks for it.

const en = {
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

export type MoveTexts = typeof en;

const de: MoveTexts = {
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

export const moveTexts = (lang: string): MoveTexts => (/^de\b/i.test(lang) ? de : en);
