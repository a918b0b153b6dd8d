import { type ReactNode, Suspense, useEffect, useId, useRef, useState } from "react";
import { Button, Dialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { asApiError } from "../api/error.ts";
import { contacts, conversations } from "../api/routes.ts";
import type { Contact, Conversation, Json, Session, Visit } from "../api/types.ts";
import { age, moment, useNow } from "../app/clock.ts";
import { lazily } from "../app/lazily.tsx";
import { useLive } from "../app/live-context.ts";
import { Link, usePlace } from "../app/router.tsx";
import { IconAction } from "../design/Action.tsx";
import { Icon, type IconName } from "../design/icons.tsx";
import { Avatar, Skeleton, StatusTag } from "../design/marks.tsx";
import { EVERY_STATUS } from "../realtime/snapshots.ts";
import { ChannelIcon } from "./ChannelIcon.tsx";
import { inboxAddress, useConversation, useList } from "./lists.ts";
import { RatingMark } from "./outcome.tsx";
import { placeName } from "./place.ts";
import { TagEditor } from "./TagEditor.tsx";

const Addresses = lazily(() => import("../channels/Addresses.tsx"));
const MailProblem = lazily(() => import("../mail/MailProblem.tsx"));
const ContactMails = lazily(() => import("../mail/ContactMails.tsx"));

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
  const { contact, session } = conversation;
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
        <ContactField contact={contact} field="name" label="Name" icon="user" />
        <ContactField contact={contact} field="email" label="E-mail" icon="mail" />
        <ContactField contact={contact} field="phone" label="Phone" icon="phone" />
        <AdditionalFields contact={contact} />
      </div>
      <Suspense>
        <MailProblem contact={contact} />
        <Addresses contact={contact} />
      </Suspense>
      <About conversation={conversation} />
      <Suspense>
        <ContactMails conversation={conversation} />
      </Suspense>
      {session && <Outcome session={session} />}
      {conversation.visit && wasThere(conversation.visit) && <VisitFacts visit={conversation.visit} />}
      <CustomData title="Contact data" data={contact.custom} />
      <CustomData title="Conversation data" data={conversation.custom} />
      <Earlier conversation={conversation} />
    </div>
  );
}

type EditableField = "name" | "email" | "phone";

function ContactField(props: { contact: Contact; field: EditableField; label: string; icon: IconName }) {
  const { contact, field, label, icon } = props;
  const live = useLive();
  return (
    <Editable
      value={contact[field]}
      label={label}
      icon={icon}
      field={field}
      type={field === "email" ? "email" : field === "phone" ? "tel" : "text"}
      onSave={async (next) => live.adoptContact(await contacts.update(contact.id, { [field]: next }))}
    />
  );
}

/** Fields that the website filled; those without a name and a value are not there for the operator. */
function AdditionalFields({ contact }: { contact: Contact }) {
  const live = useLive();
  const fields = contact.additional ?? [];
  return fields.map(({ name, value }, index) => {
    if (!name && !value) return null;
    const label = name || `Additional 0${index + 1}`;
    const change = (next: string) =>
      fields.map((_, other) => (other === index ? { name, value: next } : null));
    return (
      <Editable
        // biome-ignore lint/suspicious/noArrayIndexKey: the fields are numbered
        key={index}
        value={value}
        label={label}
        shown
        field={`additional[${index}].value`}
        onSave={async (next) =>
          live.adoptContact(await contacts.update(contact.id, { additional: change(next) }))
        }
      />
    );
  });
}

interface EditableProps {
  value: string;
  label: string;
  /** Instead of an icon the label stands in front. */
  shown?: boolean;
  icon?: IconName;
  /** The field's name in the server's faults. */
  field: string;
  type?: "text" | "email" | "tel";
  onSave: (next: string) => Promise<void>;
}

function Editable(props: EditableProps) {
  const { value, label, field } = props;
  const faultId = useId();
  const [editing, setEditing] = useState(false);
  const [text, setText] = useState("");
  const [fault, setFault] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (editing) input.current?.select();
  }, [editing]);

  const begin = () => {
    setText(value);
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
    if (next === value) {
      if (refocus) leave();
      else setEditing(false);
      return;
    }
    try {
      await props.onSave(next);
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
        {props.icon && <Icon name={props.icon} size={16} />}
        {value ? (
          <>
            <span className={props.shown ? "editable-label" : "hidden-text"}>
              {props.shown ? label : `${label}: `}
            </span>
            <span className="editable-text" dir="auto">
              {value}
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
        aria-describedby={fault ? faultId : undefined}
        type={props.type}
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
        <span className="field-error" id={faultId} role="alert">
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

/** What the conversation is about, in the words of the operators. */
function About({ conversation }: { conversation: Conversation }) {
  const live = useLive();
  return (
    <Section title="Conversation">
      <div className="about">
        <Editable
          value={conversation.topic}
          label="Topic"
          icon="topic"
          field="topic"
          onSave={async (next) => live.adopt(await conversations.setTopic(conversation.id, next))}
        />
        <TagEditor conversation={conversation} />
      </div>
    </Section>
  );
}

function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What came of the session: what the contact said about it, and what the website was after. */
function Outcome({ session }: { session: Session }) {
  const { rating, feedback, survey, goal } = session;
  const facts: [string, ReactNode][] = [];
  if (rating) facts.push(["Rating", <RatingMark key="rating" rating={rating} />]);
  if (feedback)
    facts.push([
      "Feedback",
      <span key="feedback" className="fact-words" dir="auto">
        {feedback}
      </span>,
    ]);
  if (survey)
    facts.push([
      "Survey",
      <span key="survey" dir="auto">
        <span className="fact-question">{survey.question}</span> {survey.option}
      </span>,
    ]);
  if (goal) facts.push(["Goal", goal.name]);
  if (facts.length === 0) return null;
  return (
    <Section title="Outcome">
      <Facts facts={facts} />
    </Section>
  );
}

/** Who writes over a channel has visited nothing. */
function wasThere(visit: Visit): boolean {
  return visit.visits > 0 || visit.url !== "";
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
  const where = placeName(visit);
  if (where) facts.push(["Place", where]);
  const pages = `${visit.page_impressions} ${visit.page_impressions === 1 ? "page" : "pages"}`;
  facts.push(["Visits", `${visit.visits}, ${pages} in this one`]);
  if (visit.proactive) facts.push(["Opened", "By the website, not by the visitor"]);
  if (visit.ip)
    facts.push([
      "Address",
      <span key="ip" className="mono">
        {visit.ip}
      </span>,
    ]);
  if (visit.private) facts.push(["Privacy", "Address and place are not kept"]);
  return (
    <Section title="Visit">
      <Facts facts={facts} />
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
