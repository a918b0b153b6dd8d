// The few texts of an invitation, in both languages.

const en = {
  from: (name: string) => `Message from ${name}`,
  team: "Team",
  answer: "Answer",
  dismiss: "Not now",
};

const de: typeof en = {
  from: (name) => `Nachricht von ${name}`,
  team: "Team",
  answer: "Antworten",
  dismiss: "Jetzt nicht",
};

export const hereTexts = (lang: string): typeof en => (/^de\b/i.test(lang) ? de : en);
