import type { IconName } from "../design/icons.tsx";

export interface SettingsPage {
  path: string;
  title: string;
  hint: string;
  icon: IconName;
  admin: boolean;
  /** The heading it stands under; those without one come first. */
  section?: string;
}

export const SETTINGS_PAGES: SettingsPage[] = [
  {
    path: "/settings/widgets",
    title: "Widgets",
    hint: "The messenger on your sites",
    icon: "chat",
    admin: true,
  },
  { path: "/settings/operators", title: "Operators", hint: "Who answers", icon: "user", admin: true },
  { path: "/settings/groups", title: "Groups", hint: "Teams to forward to", icon: "users", admin: true },
  {
    path: "/settings/replies",
    title: "Saved replies",
    hint: "Texts that are written again and again",
    icon: "reply",
    admin: true,
  },
  {
    path: "/settings/questions",
    title: "Question groups",
    hint: "Questions with ready answers",
    icon: "list",
    admin: true,
  },
  {
    path: "/settings/channels",
    title: "Channels",
    hint: "Join another message system",
    icon: "exchange",
    admin: true,
  },
  {
    path: "/settings/mail",
    title: "E-mail",
    hint: "Mail server, transcripts, sign-in links",
    icon: "mail",
    admin: true,
  },
  { path: "/settings/endpoints", title: "Endpoints", hint: "Where callbacks go", icon: "bolt", admin: true },
  {
    path: "/settings/deliveries",
    title: "Delivery log",
    hint: "Every callback and its attempts",
    icon: "list",
    admin: true,
  },
  { path: "/settings/tokens", title: "API tokens", hint: "For your own programs", icon: "key", admin: true },
  {
    path: "/settings/audit",
    title: "Audit log",
    hint: "Locks, deleted data, who changed what",
    icon: "lock",
    admin: true,
  },
  { path: "/settings/profile", title: "My profile", hint: "Name and password", icon: "user", admin: false },
  {
    path: "/settings/addons/api",
    title: "API",
    hint: "Add-on: events for your back end",
    icon: "api",
    admin: true,
    section: "Add-ons",
  },
];
