import { type ComponentType, Suspense, useEffect } from "react";
import { lazyPage } from "../app/lazily.tsx";
import { useMe } from "../app/me.ts";
import { go, Link, matchPath, ParamsProvider, usePlace } from "../app/router.tsx";
import { Icon } from "../design/icons.tsx";
import { SETTINGS_PAGES, type SettingsPage } from "./pages.ts";
import { Empty, LinkAction, Page } from "./parts.tsx";
import "./settings.css";

type Screen = ComponentType;

const Widgets = lazyPage(() => import("./Widgets.tsx"));
const WidgetEditor = lazyPage(() => import("./WidgetEditor.tsx"));
const Operators = lazyPage(() => import("./Operators.tsx"));
const OperatorEditor = lazyPage(() => import("./OperatorEditor.tsx"));
const Groups = lazyPage(() => import("./Groups.tsx"));
const GroupEditor = lazyPage(() => import("./GroupEditor.tsx"));
const Endpoints = lazyPage(() => import("./Endpoints.tsx"));
const EndpointEditor = lazyPage(() => import("./EndpointEditor.tsx"));
const EndpointPage = lazyPage(() => import("./EndpointPage.tsx"));
const Channels = lazyPage(() => import("../channels/Channels.tsx"));
const NewChannel = lazyPage(() => import("../channels/NewChannel.tsx"));
const ChannelReady = lazyPage(() => import("../channels/ChannelReady.tsx"));
const ChannelPage = lazyPage(() => import("../channels/ChannelPage.tsx"));
const DeliveryLog = lazyPage(() => import("./DeliveryLog.tsx"));
const DeliveryPage = lazyPage(() => import("./DeliveryPage.tsx"));
const MailPage = lazyPage(() => import("../mail/MailPage.tsx"));
const MailDelivery = lazyPage(() => import("../mail/MailDelivery.tsx"));
const Audit = lazyPage(() => import("../mail/Audit.tsx"));
const Replies = lazyPage(() => import("../replies/Replies.tsx"));
const ReplyEditor = lazyPage(() => import("../replies/ReplyEditor.tsx"));
const Tokens = lazyPage(() => import("./Tokens.tsx"));
const Profile = lazyPage(() => import("./Profile.tsx"));
const ApiAddon = lazyPage(() => import("../addons/ApiAddon.tsx"));

const ROUTES: { pattern: string; screen: Screen; open?: boolean }[] = [
  { pattern: "/settings/widgets", screen: Widgets },
  { pattern: "/settings/widgets/new", screen: WidgetEditor },
  { pattern: "/settings/widgets/:id", screen: WidgetEditor },
  { pattern: "/settings/widgets/:id/availability", screen: WidgetEditor },
  { pattern: "/settings/widgets/:id/webhooks", screen: WidgetEditor },
  { pattern: "/settings/widgets/:id/advanced", screen: WidgetEditor },
  { pattern: "/settings/operators", screen: Operators },
  { pattern: "/settings/operators/new", screen: OperatorEditor },
  { pattern: "/settings/operators/:id", screen: OperatorEditor },
  { pattern: "/settings/groups", screen: Groups },
  { pattern: "/settings/groups/new", screen: GroupEditor },
  { pattern: "/settings/groups/:id", screen: GroupEditor },
  { pattern: "/settings/replies", screen: Replies },
  { pattern: "/settings/replies/new", screen: ReplyEditor },
  { pattern: "/settings/replies/:id", screen: ReplyEditor },
  { pattern: "/settings/questions", screen: Replies },
  { pattern: "/settings/questions/new", screen: ReplyEditor },
  { pattern: "/settings/questions/:id", screen: ReplyEditor },
  { pattern: "/settings/channels", screen: Channels },
  { pattern: "/settings/channels/new", screen: NewChannel },
  { pattern: "/settings/channels/:id/ready", screen: ChannelReady },
  { pattern: "/settings/channels/:id", screen: ChannelPage },
  { pattern: "/settings/channels/:id/edit", screen: ChannelPage },
  { pattern: "/settings/channels/:id/outbound", screen: ChannelPage },
  { pattern: "/settings/channels/:id/inbound", screen: ChannelPage },
  { pattern: "/settings/endpoints", screen: Endpoints },
  { pattern: "/settings/endpoints/new", screen: EndpointEditor },
  { pattern: "/settings/endpoints/:id", screen: EndpointPage },
  { pattern: "/settings/endpoints/:id/edit", screen: EndpointEditor },
  { pattern: "/settings/deliveries", screen: DeliveryLog },
  { pattern: "/settings/deliveries/:id", screen: DeliveryPage },
  { pattern: "/settings/mail", screen: MailPage },
  { pattern: "/settings/mail/mails", screen: MailPage },
  { pattern: "/settings/mail/deliveries", screen: MailPage },
  { pattern: "/settings/mail/deliveries/:id", screen: MailDelivery },
  { pattern: "/settings/audit", screen: Audit },
  { pattern: "/settings/tokens", screen: Tokens },
  { pattern: "/settings/profile", screen: Profile, open: true },
  { pattern: "/settings/addons/api", screen: ApiAddon },
];

export default function Settings() {
  const { path } = usePlace();
  const admin = useMe().operator.role === "admin";
  const index = path === "/settings";

  // The wide layout has no page of its own for the index: its first entry is it.
  useEffect(() => {
    if (index && window.matchMedia("(min-width: 760px)").matches) {
      go(admin ? "/settings/widgets" : "/settings/profile", { replace: true });
    }
  }, [index, admin]);

  return (
    <main className="settings" data-index={index || undefined}>
      <nav className="settings-nav" aria-label="Settings">
        {index ? <h1>Settings</h1> : <h2>Settings</h2>}
        {sections(admin).map(({ title, pages }) => (
          <section key={title} aria-label={title || undefined}>
            {title && <h3>{title}</h3>}
            <ul>
              {pages.map((page) => (
                <li key={page.path}>
                  <Link
                    to={page.path}
                    className="settings-link"
                    aria-current={path === page.path || path.startsWith(`${page.path}/`) ? "page" : undefined}
                  >
                    <Icon name={page.icon} />
                    <span>{page.title}</span>
                  </Link>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </nav>
      <div className="settings-main">
        <Link to="/settings" className="settings-up">
          <Icon name="left" size={14} /> Settings
        </Link>
        <Suspense fallback={<div className="page" />}>
          <CurrentPage admin={admin} />
        </Suspense>
      </div>
    </main>
  );
}

/** The pages that are open to this operator, by heading. */
function sections(admin: boolean): { title: string; pages: SettingsPage[] }[] {
  const open = SETTINGS_PAGES.filter((page) => admin || !page.admin);
  const titles = [...new Set(open.map((page) => page.section ?? ""))];
  return titles.map((title) => ({ title, pages: open.filter((page) => (page.section ?? "") === title) }));
}

function CurrentPage({ admin }: { admin: boolean }) {
  const { path } = usePlace();
  for (const route of ROUTES) {
    const params = matchPath(route.pattern, path);
    if (!params) continue;
    if (!admin && !route.open) {
      return (
        <Page title="Settings">
          <Empty icon="lock" title="For admins">
            <p>Only admins can change settings. Your own profile is open to you.</p>
            <LinkAction to="/settings/profile">My profile</LinkAction>
          </Empty>
        </Page>
      );
    }
    const Current = route.screen;
    return (
      <ParamsProvider value={params}>
        <Current key={path} />
      </ParamsProvider>
    );
  }
  if (path === "/settings") return null;
  return (
    <Page title="Not found">
      <Empty icon="search" title="There is no such page">
        <LinkAction to="/settings">All settings</LinkAction>
      </Empty>
    </Page>
  );
}
