/** Where the token of a widget lies. Apart, because the loader and the messenger both need it and nothing that comes with it. */
export const tokenName = (key: string): string => `parley:${key}:token`;
