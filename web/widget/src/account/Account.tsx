import type { Controller } from "../controller";
import type { Answer } from "../http";
import type { State } from "../model/state";
import type { Surroundings } from "../shell";
import { accountTexts } from "../texts/account";
import type { Ui } from "../ui/context";
import type { Kit } from "../ui/Later";
import type { Contact, Device, SignedIn } from "../wire";
import css from "./account.css?inline";
import { askedFor, isAddress, isSame, remember, troubleOf, wayOf } from "./ways";

// Who the visitor is: in by the link or the code of a mail, the transcript of a conversation, the browsers in which the
// contact is signed in, and the contact's own data. One screen, loaded when it is opened.

export interface AccountProps {
  ui: Pick<Ui, "texts" | "lang" | "locale" | "dress"> & {
    controller: Pick<
      Controller,
      | "draft"
      | "enter"
      | "http"
      | "logout"
      | "openConversation"
      | "setContactInfo"
      | "setDraft"
      | "show"
      | "state"
      | "token"
    >;
    around: Pick<Surroundings, "base" | "key"> & { pages: Pick<Surroundings["pages"], "way"> };
  };
  state: Pick<State, "answer" | "contact" | "conversationId" | "screen" | "signedIn">;
}

/** What came of a link. */
type Arrival =
  | { stage: "none" }
  | { stage: "busy" }
  /** It does not help. */
  | { stage: "over"; text: string; again?: () => void }
  /** It is good, but for somebody else than this browser is now. */
  | { stage: "other"; who: SignedIn; is: string };

type Part = AccountProps & { fail(): void };

/** Roots that have the styles already. */
const dressed = new WeakSet<object>();

/** What there is to say when the screen comes back and the visitor is nobody any more. */
let farewell = "";

export function make({ h, useEffect, useRef, useState }: Kit) {
  const textsOf = ({ ui }: AccountProps) => accountTexts(ui.lang);

  /** Does one thing at a time and says what went wrong. */
  function useTask({ ui }: AccountProps, invalid?: string) {
    const [busy, wait] = useState(false);
    const [trouble, tell] = useState("");
    const run = async <T,>(act: () => Promise<Answer<T>>): Promise<{ value: T } | null> => {
      if (busy) return null;
      tell("");
      wait(true);
      const answer = await act();
      wait(false);
      if (answer.ok) return answer;
      tell(troubleOf(answer, accountTexts(ui.lang), ui.texts.endFailed, invalid));
      return null;
    };
    return { busy, trouble, tell, run };
  }

  interface FieldProps {
    id: string;
    label: string;
    code?: boolean;
    value: string;
    trouble: string;
    onValue: (value: string) => void;
  }
  /** For an address or a code, with what is wrong with it. */
  const Field = ({ id, label, code, value, trouble, onValue }: FieldProps) => (
    <div>
      <label>
        {label}
        <input
          type={(code ? "text" : "email") as "email"}
          autocomplete={code ? "one-time-code" : "email"}
          autocapitalize={code ? "characters" : "off"}
          spellcheck={false}
          dir="ltr"
          required
          maxLength={code ? 40 : 254}
          value={value}
          aria-invalid={trouble !== ""}
          aria-describedby={id}
          onInput={({ currentTarget }) => onValue(currentTarget.value)}
        />
      </label>
      <p id={id} class="wrong" role="alert">
        {trouble}
      </p>
    </div>
  );

  const Plain = ({ text, onClick, name }: { text: string; onClick: () => void; name?: string }) => (
    <button type="button" class="plain" aria-label={name} onClick={onClick}>
      {text}
    </button>
  );

  /** Asked before something that is hard to undo; the focus is on the way back. */
  function Sure(props: {
    title: string;
    text?: string;
    check?: string;
    yes: string;
    no: string;
    trouble?: string;
    busy?: boolean;
    onYes: () => void;
    onNo: () => void;
  }) {
    const { title, text, check, yes, no, trouble, busy, onYes, onNo } = props;
    const [sure, be] = useState(!check);
    const box = useRef<HTMLDivElement>(null);
    useEffect(() => box.current?.querySelector<HTMLElement>(".plain")?.focus(), []);
    return (
      // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be a flex box everywhere
      <div
        ref={box}
        class="sure"
        role="group"
        aria-label={title}
        onKeyDown={(event: KeyboardEvent) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          event.preventDefault();
          onNo();
        }}
      >
        <p>
          <strong>{title}</strong>
        </p>
        {text && <p>{text}</p>}
        {check && (
          <label class="check">
            <input
              type="checkbox"
              checked={sure}
              onChange={({ currentTarget }) => be(currentTarget.checked)}
            />
            <span>{check}</span>
          </label>
        )}
        <p class="wrong" role="alert">
          {trouble}
        </p>
        <div class="row">
          <Plain text={no} onClick={onNo} />
          <button
            type="button"
            class={check ? "primary danger" : "primary"}
            disabled={!sure || busy}
            onClick={onYes}
          >
            {yes}
          </button>
        </div>
      </div>
    );
  }

  function SignIn(props: Part & { enter: (who: SignedIn) => void }) {
    const { ui, state, enter, fail } = props;
    const { controller, around } = ui;
    const texts = textsOf(props);
    const [asked, ask] = useState(() => askedFor(controller));
    const [typing, type] = useState(asked !== "");
    const [email, write] = useState(asked || state.contact?.email || "");
    const [code, spell] = useState("");
    const task = useTask(props, texts.wrongCode);
    const form = useRef<HTMLFormElement>(null);
    const widget = `/widgets/${around.key}`;

    const first = useRef(true);
    useEffect(() => {
      // Not when the screen comes: what is above is read first.
      if (!first.current) form.current?.querySelector("input")?.focus();
      first.current = false;
    }, [typing]);

    const turn = (next: boolean) => {
      task.tell("");
      spell("");
      type(next);
    };
    const submit = async (event: Event) => {
      event.preventDefault();
      const { http } = controller;
      fail();
      if (typing) {
        const proof = { code: code.trim(), address: askedFor(controller) || undefined };
        const got = await task.run(() => http.ask<SignedIn>("POST", `${widget}/sign-in`, proof));
        if (got) enter(got.value);
        else form.current?.querySelector("input")?.focus();
        return;
      }
      const address = email.trim();
      if (!isAddress(address)) {
        task.tell(texts.wrongEmail);
        form.current?.querySelector("input")?.focus();
        return;
      }
      const got = await task.run(() => http.ask("POST", `${widget}/reauth`, { email: address }));
      if (!got) return;
      remember(controller, address);
      ask(address);
      turn(true);
    };

    return (
      <form ref={form} class="part" aria-labelledby="account-sign-in" noValidate onSubmit={submit}>
        <h3 id="account-sign-in">{texts.signIn}</h3>
        <p role="status">{typing ? (asked && texts.sent(asked)) + texts.enter : texts.explain}</p>
        {typing ? (
          <Field
            id="code-wrong"
            label={texts.code}
            code
            value={code}
            trouble={task.trouble}
            onValue={spell}
          />
        ) : (
          <Field
            id="sign-in-wrong"
            label={texts.email}
            value={email}
            trouble={task.trouble}
            onValue={write}
          />
        )}
        <div class="row">
          <Plain text={typing ? texts.anew : texts.have} onClick={() => turn(!typing)} />
          <button type="submit" class="primary" disabled={task.busy || (typing && !code.trim())}>
            {typing ? texts.go : texts.ask}
          </button>
        </div>
      </form>
    );
  }

  function Transcript(props: Part) {
    const { ui, state } = props;
    const { controller } = ui;
    const texts = textsOf(props);
    const known = state.contact?.email ?? "";
    const [email, write] = useState("");
    const [sent, done] = useState(false);
    const task = useTask(props);

    const submit = async (event: Event) => {
      event.preventDefault();
      const address = email.trim();
      if (!known) {
        if (!isAddress(address)) return task.tell(texts.wrongEmail);
        const kept = await controller.setContactInfo({ email: address });
        if (kept.kind === "error") return task.tell(ui.texts.endFailed);
      }
      const path = `/conversations/${state.conversationId}/transcript`;
      if (await task.run(() => controller.http.ask("POST", path, {}))) done(true);
    };
    return (
      <form class="part" aria-labelledby="account-transcript" noValidate onSubmit={submit}>
        <h3 id="account-transcript">{texts.transcript}</h3>
        <p role="status">
          {sent ? texts.transcriptSent : known ? texts.transcriptTo(known) : texts.transcriptAsk}
        </p>
        {sent ? null : known ? (
          <p class="wrong" role="alert">
            {task.trouble}
          </p>
        ) : (
          <Field
            id="transcript-wrong"
            label={texts.email}
            value={email}
            trouble={task.trouble}
            onValue={write}
          />
        )}
        {!sent && (
          <div class="row">
            <button type="submit" class="primary" disabled={task.busy}>
              {texts.transcriptSend}
            </button>
          </div>
        )}
      </form>
    );
  }

  function Devices(props: Part & { devices: readonly Device[]; renew: () => void }) {
    const { ui, devices, renew } = props;
    const { controller } = ui;
    const texts = textsOf(props);
    const [asking, ask] = useState(false);
    const task = useTask(props);
    const end = async (one: Device) => {
      if (one.current) return ask(true);
      // Gone already is as good.
      await task.run(async () => {
        const got = await controller.http.ask("POST", `/me/devices/${one.id}/sign-out`, {});
        return got.ok || got.status !== 404 ? got : { ok: true, value: undefined };
      });
      renew();
    };
    return (
      <section class="part" aria-labelledby="account-devices">
        <h3 id="account-devices">{texts.devices}</h3>
        <ul>
          {devices.map((one) => {
            const name = one.browser ? texts.device(one.browser, one.os) : texts.unknown;
            const seen = new Date(one.seen_at).toLocaleString(ui.locale, {
              dateStyle: "medium",
              timeStyle: "short",
            });
            return (
              <li key={one.id}>
                <span>
                  <strong>{name}</strong>
                  <small>{one.current ? texts.here : texts.seen(seen)}</small>
                </span>
                <Plain
                  text={texts.signOut}
                  name={texts.signOutOf(one.current ? texts.here : name)}
                  onClick={() => void end(one)}
                />
              </li>
            );
          })}
        </ul>
        {asking && (
          <Sure
            title={texts.signOut}
            text={texts.signOutHere}
            yes={texts.signOutYes}
            no={texts.signOutNo}
            onYes={() => void controller.logout()}
            onNo={() => ask(false)}
          />
        )}
        <p class="wrong" role="alert">
          {task.trouble}
        </p>
      </section>
    );
  }

  function Data(props: Part) {
    const { ui } = props;
    const { controller, around } = ui;
    const texts = textsOf(props);
    const [asking, ask] = useState(false);
    const task = useTask(props);
    const opener = useRef<HTMLDivElement>(null);

    const download = () =>
      task.run(async () => {
        try {
          // As the server wrote it, and however long it takes.
          const response = await fetch(`${around.base}/visitor/v1/me/data`, {
            headers: { Authorization: `Bearer ${controller.token()}` },
            credentials: "omit",
            cache: "no-store",
          });
          if (!response.ok) throw response;
          const link = document.createElement("a");
          link.href = URL.createObjectURL(await response.blob());
          link.download = "my-data.json";
          link.click();
          // The browser reads it a little later.
          setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
          return { ok: true, value: undefined };
        } catch {
          return { ok: false, status: 0, code: "", message: "", wait: 0 };
        }
      });
    const erase = async () => {
      if (!(await task.run(() => controller.http.ask("POST", "/me/erase", { confirm: true })))) return;
      farewell = texts.erased;
      // Forgets here, and in the other tabs.
      await controller.logout();
      controller.show("account");
    };
    const close = () => {
      ask(false);
      task.tell("");
      setTimeout(() => opener.current?.querySelector<HTMLElement>(".erase")?.focus());
    };
    return (
      <section class="part" aria-labelledby="account-data">
        <h3 id="account-data">{texts.data}</h3>
        {asking ? (
          <Sure
            title={texts.eraseTitle}
            text={texts.eraseExplain}
            check={texts.eraseSure}
            yes={texts.eraseYes}
            no={texts.eraseNo}
            trouble={task.trouble}
            busy={task.busy}
            onYes={() => void erase()}
            onNo={close}
          />
        ) : (
          <div ref={opener}>
            <p class="wrong" role="alert">
              {task.trouble}
            </p>
            <div class="row">
              <Plain text={texts.download} onClick={() => void download()} />
              <button type="button" class="plain erase" onClick={() => ask(true)}>
                {texts.erase}
              </button>
            </div>
          </div>
        )}
      </section>
    );
  }

  /** Above the composer, when a link that nobody asked for here has signed in: it may be the link of somebody else. */
  function Welcome({ ui, state }: AccountProps) {
    const { controller } = ui;
    const { contact } = state;
    const texts = accountTexts(ui.lang);
    const close = () => {
      const token = controller.token();
      if (token && contact) controller.enter({ token, contact }, { welcome: false });
    };
    return (
      <section class="notice" aria-label={texts.signedIn}>
        <p role="status">
          {texts.signedInAs} <strong>{contact?.email || contact?.name}</strong>
        </p>
        <Plain text={texts.notYou} onClick={() => void controller.logout()} />
        <Plain text={texts.fine} onClick={close} />
      </section>
    );
  }

  function Account({ ui, state }: AccountProps) {
    const { controller } = ui;
    const { http } = controller;
    const { key, pages } = ui.around;
    const { answer, signedIn } = state;
    const texts = accountTexts(ui.lang);
    const box = useRef<HTMLElement>(null);
    const [arrival, arrive] = useState<Arrival>({ stage: "none" });
    const [devices, list] = useState<Device[]>([]);
    const [note] = useState(farewell);
    /** The conversation that a link without a sign-in is about. */
    const wanted = useRef<number | null>(null);

    const enter = async (who: SignedIn, welcome = false) => {
      const old = controller.token();
      remember(controller, "");
      controller.enter(who, { conversationId: who.conversation_id, screen: "thread", welcome });
      // Two tokens in one browser would look like two browsers.
      if (old) void http.ask("POST", "/logout", {}, old);
      if (wanted.current && !who.conversation_id) await controller.openConversation(wanted.current);
    };

    /** Who this browser is beside the contact of a link. Nobody is also whose token is over. When in doubt another. */
    const compare = async ({ id }: Contact, before: Contact | null): Promise<"same" | "nobody" | "other"> => {
      if (before?.id === id) return "same";
      const me = controller.token() ? await http.me() : null;
      if (me?.ok) return me.value.contact.id === id ? "same" : "other";
      // What is not sent yet would go out under the other name.
      return (!me || me.status === 401) && !controller.state().outbox.length ? "nobody" : "other";
    };

    /**
     * Somebody could send another person a link of their own. So what this browser has is handed over only when the mail was
     * asked for here and for the address of the link, nobody becomes somebody else without a question, and who was nobody is
     * told who they are now.
     */
    const byLink = async (link: string) => {
      arrive({ stage: "busy" });
      const address = askedFor(controller);
      const before = controller.state().contact;
      const got = await http.ask<SignedIn>(
        "POST",
        `/widgets/${key}/sign-in`,
        address ? { link, address } : { link },
        address ? undefined : "",
      );
      if (!got.ok) {
        const over = texts.linkOver + (answer.sign_in ? texts.newMail : "");
        const text = troubleOf(got, texts, ui.texts.endFailed, over);
        // Not answered: the link may still be good.
        const again = got.status === 0 || got.status >= 500 ? { again: () => void byLink(link) } : {};
        arrive({ stage: "over", text, ...again });
        return;
      }
      const { contact } = got.value;
      const is = isSame(address, contact.email) ? "same" : await compare(contact, before);
      if (is !== "other") await enter(got.value, is === "nobody");
      else arrive({ stage: "other", who: got.value, is: contact.email || contact.name });
    };

    const byConversation = async (id: number) => {
      wanted.current = id;
      if (controller.token() && (await controller.openConversation(id)).kind === "success") return;
      if (answer.sign_in) arrive({ stage: "over", text: texts.foreign });
      else controller.show("thread");
    };

    // With each drawing, because a link can be followed while the screen is there.
    useEffect(() => {
      const way = wayOf(pages.way);
      pages.way = "";
      if (!way) return;
      if ("link" in way) void byLink(way.link);
      else void byConversation(way.conversation);
    });

    const renew = async () => {
      const got = await http.ask<{ devices: Device[] }>("GET", "/me/devices");
      if (got.ok) list(got.value.devices);
    };
    useEffect(() => {
      if (signedIn) void renew();
      else list([]);
    }, [signedIn]);

    useEffect(() => {
      farewell = "";
      const root = box.current?.getRootNode();
      if (!root || dressed.has(root)) return;
      dressed.add(root);
      ui.dress(css);
    }, []);
    useEffect(() => box.current?.focus({ preventScroll: true }), [arrival.stage]);

    const part: Part = {
      ui,
      state,
      fail: () => {
        if (arrival.stage === "over") arrive({ stage: "none" });
      },
    };
    const { stage } = arrival;
    return (
      <section ref={box} class="account" aria-label={ui.texts.account} tabIndex={-1}>
        <p role="status">{stage === "busy" ? texts.entering : note}</p>
        <div role="alert">{stage === "over" && <p class="over">{arrival.text}</p>}</div>
        {stage === "over" && arrival.again && <Plain text={texts.again} onClick={arrival.again} />}
        {stage === "other" && (
          <Sure
            title={texts.other(arrival.is)}
            text={texts.otherHint}
            yes={texts.goOn(arrival.is)}
            no={texts.stay}
            onYes={() => void enter(arrival.who)}
            onNo={() => {
              void http.ask("POST", "/logout", {}, arrival.who.token);
              controller.show("thread");
            }}
          />
        )}
        {(stage === "none" || stage === "over") && [
          answer.sign_in && !devices.some((one) => one.current && one.mailed) && (
            <SignIn key="in" {...part} enter={(who) => void enter(who)} />
          ),
          stage === "none" && answer.transcripts && signedIn && state.conversationId !== null && (
            <Transcript key={state.conversationId} {...part} />
          ),
          devices.length > 0 && (
            <Devices key="where" {...part} devices={devices} renew={() => void renew()} />
          ),
          signedIn && <Data key="data" {...part} />,
        ]}
      </section>
    );
  }

  return (props: AccountProps) =>
    props.state.screen === "account" ? <Account {...props} /> : <Welcome {...props} />;
}
