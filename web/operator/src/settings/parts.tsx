import type { ReactNode } from "react";
import { asApiError } from "../api/error.ts";
import { Link } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { Copyable } from "../design/Copyable.tsx";
import { Window } from "../design/Dialogs.tsx";
import { Icon, type IconName } from "../design/icons.tsx";
import { Callout, Skeleton } from "../design/marks.tsx";
import type { Form } from "./form.ts";

interface PageProps {
  title: string;
  intro?: ReactNode;
  back?: { to: string; label: string };
  actions?: ReactNode;
  wide?: boolean;
  children: ReactNode;
}

export function Page({ title, intro, back, actions, wide, children }: PageProps) {
  return (
    <div className={wide ? "page wide" : "page"}>
      <div className="page-head">
        <div className="page-title">
          {back && (
            <Link to={back.to} className="page-back">
              <Icon name="left" size={14} />
              {back.label}
            </Link>
          )}
          <h1>{title}</h1>
          {intro && <p className="page-intro">{intro}</p>}
        </div>
        {actions && <div className="page-actions">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

export function LinkAction({
  to,
  icon,
  primary,
  children,
}: {
  to: string;
  icon?: IconName;
  primary?: boolean;
  children: ReactNode;
}) {
  return (
    <Link to={to} className={primary ? "button primary" : "button"}>
      {icon && <Icon name={icon} />}
      {children}
    </Link>
  );
}

export function Loading({ rows = 4 }: { rows?: number }) {
  return (
    <div className="card loading" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they never change
        <div key={index} className="loading-row">
          <Skeleton width={`${30 + ((index * 19) % 30)}%`} />
          <Skeleton width={`${50 + ((index * 13) % 40)}%`} />
        </div>
      ))}
    </div>
  );
}

export function LoadFault({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <Callout tone="bad">
      <p>{asApiError(error).detail}</p>
      <p>
        <Action small icon="refresh" onPress={onRetry}>
          Try again
        </Action>
      </p>
    </Callout>
  );
}

export function Empty({ icon, title, children }: { icon: IconName; title: string; children: ReactNode }) {
  return (
    <div className="card empty">
      <Icon name={icon} size={30} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function FormSection({
  title,
  hint,
  children,
}: {
  title: string;
  hint?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className="form-section">
      <div className="form-about">
        <h2>{title}</h2>
        {hint && <p className="field-hint">{hint}</p>}
      </div>
      <div className="form-fields">{children}</div>
    </section>
  );
}

/** Faults that belong to no visible field, and the buttons that save or take back. */
export function FormEnd<Values>({
  form,
  label,
  fields,
}: {
  form: Form<Values>;
  label: string;
  fields: string[];
}) {
  const trouble = form.trouble;
  const atField = trouble ? fields.some((field) => form.fault(field) !== undefined) : false;
  return (
    <div className="form-end">
      {trouble && (
        <Callout tone="bad">
          {atField && trouble.errors.length !== 1 && trouble.field === null
            ? "Not saved. The marked fields need a correction."
            : atField
              ? "Not saved. The marked field needs a correction."
              : trouble.detail}
          {trouble.requestId && !atField && (
            <span className="request-id mono"> Request {trouble.requestId}</span>
          )}
        </Callout>
      )}
      <div className="form-actions">
        <Action type="submit" kind="primary" isDisabled={form.busy || !form.dirty}>
          {form.busy ? "Saving…" : label}
        </Action>
        {form.dirty && !form.busy && (
          <Action kind="quiet" onPress={form.reset}>
            Take back
          </Action>
        )}
        {form.dirty && <span className="field-hint">Not saved yet</span>}
      </div>
    </div>
  );
}

interface SecretProps {
  secret: string | null;
  title: string;
  label: string;
  children: ReactNode;
  onClose: () => void;
}

/** A secret is shown once: the window closes only by its own button. */
export function SecretOnce({ secret, title, label, children, onClose }: SecretProps) {
  return (
    <Window open={secret !== null} onClose={onClose} title={title} dismissable={false} wide>
      <div>{children}</div>
      <Copyable text={secret ?? ""} label={label} wrap />
      <Callout tone="warn">
        It is not shown again. Keep it where your program can read it and nobody else.
      </Callout>
      <div className="dialog-actions">
        <Action kind="primary" onPress={onClose}>
          I have stored it
        </Action>
      </div>
    </Window>
  );
}
