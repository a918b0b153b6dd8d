/** What the cache knows mails by. */
export const SERVER_KEY = ["mail-server"];
export const widgetMailKey = (id: number) => ["widget-mail", id];
