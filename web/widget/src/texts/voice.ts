// The texts of the recorder, which is loaded when the visitor wants to speak.

const en = {
  recording: "Recording",
  left: (seconds: number) => `${seconds} seconds left`,
  full: "A voice message has at most 5 minutes. It is attached; send it when you like.",
  discard: "Discard the voice message",
  sendVoice: "Send the voice message",
  noLeave: "The microphone is blocked. Allow it for this site in the browser’s settings, then try again.",
  noMicrophone: "No microphone was found.",
  microphoneBusy: "The microphone cannot be used. Another program may be using it.",
};

export type VoiceTexts = typeof en;

const de: VoiceTexts = {
  recording: "Aufnahme läuft",
  left: (seconds) => `Noch ${seconds} Sekunden`,
  full: "Eine Sprachnachricht hat höchstens 5 Minuten. Sie ist angehängt und kann gesendet werden.",
  discard: "Sprachnachricht verwerfen",
  sendVoice: "Sprachnachricht senden",
  noLeave:
    "Das Mikrofon ist gesperrt. Bitte in den Einstellungen des Browsers für diese Seite erlauben und noch einmal versuchen.",
  noMicrophone: "Es wurde kein Mikrofon gefunden.",
  microphoneBusy: "Das Mikrofon lässt sich nicht benutzen. Vielleicht benutzt es ein anderes Programm.",
};

export const voiceTexts = (lang: string): VoiceTexts => (/^de\b/i.test(lang) ? de : en);
