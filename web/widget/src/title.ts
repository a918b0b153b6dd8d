// The number of unread messages in the tab's title, put in front of whatever the page says there.

export interface TitleBadge {
  set(count: number): void;
}

export function titleBadge(): TitleBadge {
  let prefix = "";
  return {
    set(count) {
      const plain =
        prefix && document.title.startsWith(prefix) ? document.title.slice(prefix.length) : document.title;
      prefix = count ? `(${count}) ` : "";
      if (document.title !== prefix + plain) document.title = prefix + plain;
    },
  };
}
