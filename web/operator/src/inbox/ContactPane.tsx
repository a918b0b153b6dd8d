import { type ReactNode, useEffect, useRef, useState } from "react";
import { Button, Dialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { asApiError } from "../api/error.ts";
import { contacts } from "../api/routes.ts";
import type { Contact, Conversation, Json, Visit } from "../api/types.ts";
import { age, moment, useNow } from "../app/clock.ts";
import { useLive } from "../app/live-context.ts";
import { Link, usePlace } from "../app/router.tsx";
import { IconAction } from "../design/Action.tsx";
import { Icon, type IconName } from "../design/icons.tsx";
import { Avatar, Skeleton, StatusTag } from "../design/marks.tsx";
import { EVERY_STATUS } from "../realtime/snapshots.ts";
import { ChannelIcon } from "./ChannelIcon.tsx";
import { inboxAddress, useConversation, useList } from "./lists.ts";

export function ContactPane({ id }: { id: number }) {
  return (
    <aside className="contact-pane" aria-label="Contact">
      <h2 className="hidden-text">Contact</h2>
      <ContactFacts id={id} />
    </aside>
  );
}

export function ContactSheet({ id, open, onClose }: { id: number; open: boolean; onClose: () => void }) {
  return (
    <ModalOverlay
      className="veil side"
      isOpen={open}
      onOpenChange={(next) => !next && onClose()}
      isDismissable
    >
      <Modal className="sheet">
        <Dialog className="sheet-dialog">
          <div className="sheet-head">
            <Heading slot="title" level={2}>
              Contact
            </Heading>
            <IconAction icon="close" label="Close" onPress={onClose} />
          </div>
          <ContactFacts id={id} />
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

function ContactFacts({ id }: { id: number }) {
  const snapshot = useConversation(id);
  const conversation = snapshot.data?.conversation;
  if (!conversation) {
    // The thread beside it says what went wrong.
    if (snapshot.isError) return null;
    return (
      <div className="contact-body">
        <Skeleton width={48} height={48} />
        <Skeleton width="60%" />
        <Skeleton width="80%" />
      </div>
    );
  }
  const { contact } = conversation;
  return (
    <div className="contact-body">
      <div className="contact-head">
        <Avatar name={contact.display_name} id={contact.id} size="large" />
        <div className="contact-title">
          <strong dir="auto">{contact.display_name}</strong>
          {contact.external_id && <span className="mono">{contact.external_id}</span>}
        </div>
      </div>
      <div className="contact-fields">
        <Editable contact={contact} field="name" label="Name" icon="user" />
        <Editable contact={contact} field="email" label="E-mail" icon="mail" />
        <Editable contact={contact} field="phone" label="Phone" icon="phone" />
      </div>
      {conversation.visit && <VisitFacts visit={conversation.visit} />}
      <CustomData title="Contact data" data={contact.custom} />
      <CustomData title="Conversation data" data={conversation.custom} />
      <Earlier conversation={conversation} />
    </div>
  );
}

type EditableField = "name" | "email" | "phone";

function Editable(props: { contact: Contact; field: EditableField; label: string; icon: IconName }) {
  const { contact, field, label } = props;
  const live = useLive();
  const [editing, setEditing] = useState(false);
  const [text, setText] = useState("");
  const [fault, setFault] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (editing) input.current?.select();
  }, [editing]);

  const begin = () => {
    setText(contact[field]);
    setFault("");
    setEditing(true);
  };
  const leave = () => {
    setEditing(false);
    setFault("");
    requestAnimationFrame(() => button.current?.focus());
  };
  const save = async (refocus: boolean) => {
    const next = text.trim();
    if (next === contact[field]) {
      if (refocus) leave();
      else setEditing(false);
      return;
    }
    try {
      live.adoptContact(await contacts.update(contact.id, { [field]: next }));
      if (refocus) leave();
      else setEditing(false);
    } catch (cause) {
      const error = asApiError(cause);
      setFault(error.byField().get(field) ?? error.detail);
    }
  };

  if (!editing) {
    return (
      <Button ref={button} className="editable" onPress={begin}>
        <Icon name={props.icon} size={16} />
        {contact[field] ? (
          <>
            <span className="hidden-text">{label}: </span>
            <span className="editable-text" dir="auto">
              {contact[field]}
            </span>
            <span className="hidden-text">, edit</span>
          </>
        ) : (
          <span className="editable-text none">Add {label.toLowerCase()}</span>
        )}
      </Button>
    );
  }
  return (
    <div className="editable-edit">
      <input
        ref={input}
        className="input"
        dir="auto"
        aria-label={label}
        aria-invalid={fault !== "" || undefined}
        aria-describedby={fault ? `fault-${field}` : undefined}
        type={field === "email" ? "email" : field === "phone" ? "tel" : "text"}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") void save(true);
          if (event.key === "Escape") {
            event.stopPropagation();
            leave();
          }
        }}
        onBlur={() => void save(false)}
      />
      {fault && (
        <span className="field-error" id={`fault-${field}`} role="alert">
          {fault}
        </span>
      )}
    </div>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="contact-section">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function safeLink(address: string): string | null {
  return /^https?:\/\//i.test(address) ? address : null;
}

function Address({ address, text }: { address: string; text?: string }) {
  const href = safeLink(address);
  if (!href) return <span>{text || address}</span>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer" title={address}>
      {text || address.replace(/^https?:\/\//, "")}
    </a>
  );
}

function VisitFacts({ visit }: { visit: Visit }) {
  const browser = [visit.browser, visit.browser_version.split(".")[0]].filter(Boolean).join(" ");
  const system = [browser, visit.os, visit.device].filter(Boolean).join(" · ");
  const facts: [string, ReactNode][] = [];
  if (visit.url) facts.push(["Page", <Address key="url" address={visit.url} text={visit.title} />]);
  if (visit.initial_url && visit.initial_url !== visit.url)
    facts.push(["Came in at", <Address key="initial" address={visit.initial_url} />]);
  if (visit.referrer) facts.push(["Referrer", <Address key="referrer" address={visit.referrer} />]);
  if (system) facts.push(["Browser", system]);
  facts.push(["Visits", `${visit.visits}, ${visit.page_impressions} pages in this one`]);
  if (visit.ip)
    facts.push([
      "Address",
      <span key="ip" className="mono">
        {visit.ip}
      </span>,
    ]);
  return (
    <Section title="Visit">
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}

function plain(value: Json): boolean {
  return value === null || typeof value !== "object";
}

function CustomData({ title, data }: { title: string; data: { [key: string]: Json } }) {
  const entries = Object.entries(data ?? {});
  if (entries.length === 0) return null;
  return (
    <Section title={title}>
      <dl className="facts">
        {entries.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {plain(value) ? (
                String(value)
              ) : (
                // biome-ignore lint/a11y/noNoninteractiveTabindex: wide data scrolls
                <pre className="fact-json" tabIndex={0}>
                  {JSON.stringify(value, null, 2)}
                </pre>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}

function Earlier({ conversation }: { conversation: Conversation }) {
  const place = usePlace();
  const now = useNow();
  const list = useList({ view: "all", statuses: EVERY_STATUS, contactId: conversation.contact.id });
  const others = (list.data?.items ?? []).filter((item) => item.id !== conversation.id);
  if (others.length === 0) return null;
  return (
    <Section title="Other conversations">
      <ul className="earlier">
        {others.map((item) => (
          <li key={item.id}>
            <Link to={inboxAddress(place, { id: item.id })} className="earlier-link">
              <span className="earlier-top">
                <ChannelIcon channel={item.channel} />
                <StatusTag status={item.status} />
                <time dateTime={item.updated_at} title={moment(item.updated_at)}>
                  {age(item.updated_at, now)}
                </time>
              </span>
              <span className="earlier-line" dir="auto">
                {item.last_message?.body || "No message"}
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </Section>
  );
}
