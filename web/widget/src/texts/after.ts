// The texts of the card after a conversation, which is loaded when one has ended: both languages, for they are few.

const en = {
  card: "Your opinion",
  rate: "How was this conversation?",
  star: (count: number) => (count === 1 ? "1 star" : `${count} stars`),
  good: "Good",
  bad: "Not good",
  feedback: "Would you like to tell us more?",
  send: "Send feedback",
  thanks: "Thank you!",
  thanksFeedback: "Thank you for your feedback.",
  again: "Try again",
};

export type AfterTexts = typeof en;

const de: AfterTexts = {
  card: "Ihre Meinung",
  rate: "Wie war diese Unterhaltung?",
  star: (count) => (count === 1 ? "1 Stern" : `${count} Sterne`),
  good: "Gut",
  bad: "Nicht gut",
  feedback: "Möchten Sie uns mehr dazu sagen?",
  send: "Rückmeldung senden",
  thanks: "Vielen Dank!",
  thanksFeedback: "Danke für Ihre Rückmeldung.",
  again: "Noch einmal versuchen",
};

export const afterTexts = (lang: string): AfterTexts => (/^de\b/i.test(lang) ? de : en);
