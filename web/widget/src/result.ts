// Every call of the page's API ends in one of these; nothing is ever thrown at the host page.

export type Result<T> = { kind: "success"; value: T } | { kind: "error"; code: string; message: string };

export const success = <T>(value: T): Result<T> => ({ kind: "success", value });

export const failure = <T>(code: string, message: string): Result<T> => ({ kind: "error", code, message });
