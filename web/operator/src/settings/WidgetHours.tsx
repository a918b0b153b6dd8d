import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { asApiError } from "../api/error.ts";
import { widgets } from "../api/routes.ts";
import type { Widget, WidgetPresence } from "../api/types.ts";
import { lasting, useNow } from "../app/clock.ts";
import { SwitchEntry, TextEntry } from "../design/fields.tsx";
import { Rows } from "../design/Rows.tsx";
import { SegmentEntry } from "../design/SegmentEntry.tsx";
import { toast } from "../design/toasts.tsx";
import { keys } from "../realtime/snapshots.ts";
import { useForm } from "./form.ts";
import { hoursInput, hoursValues, timeIn, zoneHere, zones } from "./hours-form.ts";
import { FormEnd, FormSection } from "./parts.tsx";
import { opensWords, PRESENCES } from "./presence.ts";
import { WeekEntry } from "./WeekEntry.tsx";
import { WholeFault } from "./WholeFault.tsx";
import { ZoneEntry } from "./ZoneEntry.tsx";
import "./hours.css";

const SHOWN = ["hours.timezone", "hours.holidays", "days", "unanswered_seconds"];
/** The server's limit. */
const MOST_HOLIDAYS = 200;

/** When a widget's visitors find somebody: presence, hours, the form while nobody is there, the alarm. */
export default function WidgetHours({ widget }: { widget: Widget }) {
  const client = useQueryClient();
  const now = useNow();
  const here = useMemo(zoneHere, []);
  const form = useForm(hoursValues(widget, here), async (values) => {
    const saved = await widgets.update(widget.id, hoursInput(values));
    client.setQueryData([...keys.widgets, saved.id], saved);
    void client.invalidateQueries({ queryKey: keys.widgets, exact: true });
    toast("Saved");
  });
  const { values, set, fault } = form;
  const all = useMemo(() => zones(values.timezone), [values.timezone]);
  const there = timeIn(values.timezone, now);
  const seconds = Number(values.seconds);
  return (
    <>
      <PresenceCard widget={widget} />
      <form className="card form" onSubmit={form.submit} noValidate>
        <FormSection title="Hours" hint="When visitors can expect an answer at once.">
          <SwitchEntry
            selected={values.limited}
            onChange={(value) => set("limited", value)}
            hint="Off: open around the clock."
          >
            Only at certain hours
          </SwitchEntry>
          {values.limited && (
            <>
              <ZoneEntry
                label="Time zone"
                value={values.timezone}
                zones={all}
                onChange={(zone) => set("timezone", zone)}
                error={fault("hours.timezone")}
                hint={there ? `It is ${there} there.` : undefined}
              />
              <fieldset className="plain-set stack">
                <legend className="field-label">Week</legend>
                <WholeFault form={form} field="days" />
                <WeekEntry form={form} />
              </fieldset>
            </>
          )}
        </FormSection>
        {values.limited && (
          <FormSection title="Holidays" hint="Closed all day.">
            <WholeFault form={form} field="hours.holidays" />
            <Rows
              kind="holiday"
              className="holiday-line"
              most={MOST_HOLIDAYS}
              items={values.holidays}
              onChange={(holidays) => set("holidays", holidays)}
              fresh={() => ({ date: "", name: "" })}
            >
              {(holiday, index, change) => (
                <>
                  <TextEntry
                    type="date"
                    label={`Day of holiday ${index + 1}`}
                    hideLabel
                    value={holiday.date}
                    onChange={(date) => change({ ...holiday, date })}
                    error={fault(`hours.holidays[${index}].date`)}
                  />
                  <TextEntry
                    label={`Name of holiday ${index + 1}`}
                    hideLabel
                    value={holiday.name}
                    onChange={(name) => change({ ...holiday, name })}
                    error={fault(`hours.holidays[${index}].name`)}
                    placeholder="New Year's Day"
                  />
                </>
              )}
            </Rows>
          </FormSection>
        )}
        <FormSection title="While you are offline">
          <SwitchEntry
            selected={values.offline_form}
            onChange={(value) => set("offline_form", value)}
            hint="Visitors leave a message and their e-mail address. Off: they write as ever, and may wait long."
          >
            Show a form instead of the chat
          </SwitchEntry>
        </FormSection>
        <FormSection
          title="Unanswered alarm"
          hint="It rings in the list of conversations and is told to your programs, until an operator answers."
        >
          <SwitchEntry selected={values.alarm} onChange={(value) => set("alarm", value)}>
            Ring when a message stays without an answer
          </SwitchEntry>
          {values.alarm && (
            <div className="sub-fields stack">
              <TextEntry
                label="After seconds"
                value={values.seconds}
                onChange={(value) => set("seconds", value)}
                error={fault("unanswered_seconds")}
                hint={seconds > 0 && seconds % 60 === 0 && seconds <= 86_400 ? lasting(seconds) : undefined}
                inputMode="numeric"
              />
            </div>
          )}
        </FormSection>
        <FormEnd form={form} label="Save" fields={SHOWN} />
      </form>
    </>
  );
}

/** It counts at once: operators change it beside the form, too. */
function PresenceCard({ widget }: { widget: Widget }) {
  const client = useQueryClient();
  const [wanted, setWanted] = useState<WidgetPresence | null>(null);
  const presence = wanted ?? widget.presence ?? "auto";
  const { open, words } = opensWords({ ...widget, presence });
  const change = async (next: WidgetPresence) => {
    setWanted(next);
    try {
      client.setQueryData([...keys.widgets, widget.id], await widgets.setPresence(widget.id, next));
      void client.invalidateQueries({ queryKey: keys.widgets, exact: true });
    } catch (cause) {
      toast(asApiError(cause).detail);
    } finally {
      setWanted(null);
    }
  };
  return (
    <section className="card pad stack">
      <div className="inline wrap">
        <h2>Now</h2>
        <span className={open ? "tag good" : "tag"}>{open ? "Open" : "Closed"}</span>
        <span className="field-hint">{words}</span>
      </div>
      <SegmentEntry
        label="Presence"
        value={presence}
        onChange={(next) => next !== presence && void change(next)}
        hint={PRESENCES.find(({ value }) => value === presence)?.hint}
        choices={PRESENCES}
      />
    </section>
  );
}
