/** What the cache knows mails by. */
export const SERVER_KEY = ["mail-server"];
export const widgetMailKey = (id: number) => ["widget-mail", id];
export const CONVERSATION_MAILS = ["mails", "of"];
export const MAIL_PROBLEM = ["mail-problem"];
