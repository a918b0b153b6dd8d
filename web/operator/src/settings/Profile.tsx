import { ApiError } from "../api/error.ts";
import { session } from "../api/routes.ts";
import { useMe } from "../app/me.ts";
import { TextEntry } from "../design/fields.tsx";
import { Avatar } from "../design/marks.tsx";
import { toast } from "../design/toasts.tsx";
import { useForm } from "./form.ts";
import { FormEnd, FormSection, Page } from "./parts.tsx";

export default function Profile() {
  const { operator } = useMe();
  const form = useForm({ current: "", new: "", again: "" }, async (values) => {
    if (values.new !== values.again) {
      throw new ApiError(422, "password.mismatch", "The two new passwords differ.", { field: "again" });
    }
    await session.setPassword(values.current, values.new);
    form.reset();
    toast("Password changed");
  });
  const { values, set, fault } = form;
  return (
    <Page title="My profile">
      <section className="card pad profile-who">
        <Avatar name={operator.name} id={operator.id} image={operator.image_url} size="large" />
        <div className="item-main">
          <h2 dir="auto">{operator.name}</h2>
          <span className="item-hint">
            {operator.email} · {operator.role === "admin" ? "Admin" : "Operator"} · {operator.slots} slots
          </span>
          {operator.groups.length > 0 && (
            <span className="item-hint">{operator.groups.map((group) => group.name).join(", ")}</span>
          )}
        </div>
      </section>
      <form className="card form" onSubmit={form.submit} noValidate>
        <FormSection
          title="Password"
          hint="At least ten characters. A sentence is easier to remember than signs."
        >
          <TextEntry
            label="Current password"
            type="password"
            autoComplete="current-password"
            value={values.current}
            onChange={(value) => set("current", value)}
            error={fault("current")}
            hint="Empty if you signed in by a link and never had one."
          />
          <TextEntry
            label="New password"
            type="password"
            autoComplete="new-password"
            value={values.new}
            onChange={(value) => set("new", value)}
            error={fault("new")}
          />
          <TextEntry
            label="New password again"
            type="password"
            autoComplete="new-password"
            value={values.again}
            onChange={(value) => set("again", value)}
            error={fault("again")}
          />
        </FormSection>
        <FormEnd form={form} label="Change password" fields={["current", "new", "again"]} />
      </form>
    </Page>
  );
}
