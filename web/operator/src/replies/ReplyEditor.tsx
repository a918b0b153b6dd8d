import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { asApiError } from "../api/error.ts";
import { useMe } from "../app/me.ts";
import { go, useNumberParam, usePlace } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { Confirm } from "../design/Dialogs.tsx";
import { TextEntry } from "../design/fields.tsx";
import { Rows } from "../design/Rows.tsx";
import { toast } from "../design/toasts.tsx";
import { type Form, useForm } from "../settings/form.ts";
import { Empty, FormEnd, FormSection, LoadFault, Loading, Page } from "../settings/parts.tsx";
import { WholeFault } from "../settings/WholeFault.tsx";
import {
  createReply,
  listReplies,
  REPLIES_KEY,
  type Reply,
  type ReplyKind,
  removeReply,
  replyListKey,
  updateReply,
} from "./api.ts";
import { VARIABLES } from "./fill.ts";
import { ReplyPreview } from "./ReplyPreview.tsx";
import { MOST_OPTIONS, type ReplyValues, replyInput, replyValues } from "./reply-form.ts";
import { kindOf, WORDS } from "./words.ts";
import "./replies.css";

export default function ReplyEditor() {
  const kind = kindOf(usePlace().path);
  const id = useNumberParam("id");
  const isNew = Number.isNaN(id);
  const words = WORDS[kind];
  const list = useQuery({
    queryKey: replyListKey(kind),
    queryFn: ({ signal }) => listReplies({ kind }, signal),
    enabled: !isNew,
  });
  if (isNew) return <Editor kind={kind} reply={null} />;
  const reply = list.data?.find((each) => each.id === id);
  if (reply) return <Editor kind={kind} reply={reply} />;
  return (
    <Page title={words.title} back={{ to: words.home, label: words.title }}>
      {list.isError ? (
        <LoadFault error={list.error} onRetry={() => void list.refetch()} />
      ) : list.isPending || list.isFetching ? (
        <Loading />
      ) : (
        <Empty icon={words.icon} title={`There is no such ${words.one}`}>
          <p>It may have been deleted.</p>
        </Empty>
      )}
    </Page>
  );
}

function Editor({ kind, reply }: { kind: ReplyKind; reply: Reply | null }) {
  const client = useQueryClient();
  const me = useMe();
  const words = WORDS[kind];
  const [asking, setAsking] = useState(false);
  const form = useForm(replyValues(reply, kind), async (values, key) => {
    const input = replyInput(values, kind);
    if (reply) {
      const { kind: _, ...change } = input;
      const saved = await updateReply(reply.id, change);
      client.setQueryData<Reply[]>(replyListKey(kind), (now) =>
        now?.map((each) => (each.id === saved.id ? saved : each)),
      );
    } else {
      await createReply(input, key);
    }
    toast("Saved");
    void client.invalidateQueries({ queryKey: REPLIES_KEY });
    if (!reply) go(words.home, { replace: true });
  });
  const remove = async () => {
    if (!reply) return;
    try {
      await removeReply(reply.id);
      go(words.home, { replace: true });
      await client.invalidateQueries({ queryKey: REPLIES_KEY });
      toast(`#${reply.shortcut} was deleted`);
    } catch (cause) {
      toast(asApiError(cause).detail);
    }
  };
  const { values, set, fault } = form;
  return (
    <Page
      title={reply ? `#${reply.shortcut}` : words.make}
      back={{ to: words.home, label: words.title }}
      actions={
        reply && (
          <Action kind="danger" icon="trash" onPress={() => setAsking(true)}>
            Delete
          </Action>
        )
      }
    >
      <form className="card form" onSubmit={form.submit} noValidate>
        <FormSection title="How it is found">
          <TextEntry
            label="Shortcut"
            value={values.shortcut}
            onChange={(value) => set("shortcut", value)}
            error={fault("shortcut")}
            hint="One word. Operators type it behind #."
            required
            mono
            autoFocus={!reply}
          />
          <TextEntry
            label="Title"
            value={values.title}
            onChange={(value) => set("title", value)}
            error={fault("title")}
            hint="What it is for. Visitors do not see it."
          />
        </FormSection>
        <FormSection title="What is sent" hint={kind === "question" ? words.intro : undefined}>
          <Body form={form} label={words.body} />
          {kind === "question" && (
            <fieldset className="plain-set stack answers">
              <legend className="field-label">Answers</legend>
              <WholeFault form={form} field="options" />
              <Rows
                kind="answer"
                className="option-line"
                ordered
                most={MOST_OPTIONS}
                items={values.options}
                onChange={(options) => set("options", options)}
                fresh={() => ""}
              >
                {(option, index, change) => (
                  <TextEntry
                    label={`Answer ${index + 1}`}
                    hideLabel
                    value={option}
                    onChange={change}
                    error={fault(`options[${index}]`) ?? fault(`options.${index}`)}
                  />
                )}
              </Rows>
            </fieldset>
          )}
        </FormSection>
        <FormSection title="Preview" hint="As a visitor gets it.">
          <ReplyPreview body={values.body} options={values.options} operator={me.operator.name} />
        </FormSection>
        <FormEnd form={form} label="Save" fields={["shortcut", "title", "body", "options"]} />
      </form>
      {reply && (
        <Confirm
          open={asking}
          title={`Delete #${reply.shortcut}?`}
          action="Delete"
          onClose={() => setAsking(false)}
          onConfirm={() => void remove()}
        >
          What was sent stays as it is. This cannot be undone.
        </Confirm>
      )}
    </Page>
  );
}

/** The text, and the variables to put into it where the caret stands. */
function Body({ form, label }: { form: Form<ReplyValues>; label: string }) {
  const box = useRef<HTMLDivElement>(null);
  const put = (word: string) => {
    const field = box.current?.querySelector("textarea");
    if (!field) return;
    const { selectionStart: from, selectionEnd: to, value } = field;
    form.set("body", value.slice(0, from) + word + value.slice(to));
    requestAnimationFrame(() => {
      field.focus();
      field.setSelectionRange(from + word.length, from + word.length);
    });
  };
  return (
    <div className="stack" ref={box}>
      <TextEntry
        label={label}
        value={form.values.body}
        onChange={(value) => form.set("body", value)}
        error={form.fault("body")}
        lines={6}
        required
      />
      <div className="stack-small">
        <span className="field-hint">Variables, filled in when it is sent:</span>
        <ul className="variables">
          {VARIABLES.map(({ name, meaning }) => (
            <li key={name}>
              <Action small onPress={() => put(`{${name}}`)} aria-label={`Put in {${name}}`}>
                <code>{`{${name}}`}</code>
              </Action>
              <span className="field-hint">{meaning}</span>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
