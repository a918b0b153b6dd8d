import { useRef, useState } from "react";
import { Action, IconAction } from "../design/Action.tsx";
import { SwitchEntry, TextEntry } from "../design/fields.tsx";
import type { Form } from "./form.ts";
import { DAYS, type HoursValues, type Slot, slotField, timeOf, USUAL } from "./hours-form.ts";
import { FaultLine } from "./WholeFault.tsx";

/** As many openings a day as anybody needs. */
const MOST_SLOTS = 6;

/** A following opening begins an hour after the last one, when the day has room for it. */
function after(slots: Slot[]): Slot {
  const hour = Number((timeOf(slots.at(-1)?.to ?? "", true) ?? "24").slice(0, 2)) + 1;
  if (hour > 22) return { from: "", to: "" };
  const at = (value: number) => `${String(value).padStart(2, "0")}:00`;
  return { from: at(hour), to: at(Math.min(24, hour + 4)) };
}

/** The openings of a week, day by day. */
export function WeekEntry({ form }: { form: Form<HoursValues> }) {
  const week = useRef<HTMLUListElement>(null);
  const [told, setTold] = useState("");
  const { days } = form.values;
  const change = (day: number, slots: Slot[]) =>
    form.set(
      "days",
      days.map((each, at) => (at === day ? slots : each)),
    );
  const focus = (day: number, index: number) =>
    requestAnimationFrame(() => {
      const row = week.current?.children[day];
      const inputs = row?.querySelectorAll<HTMLElement>(".slot input");
      const target = inputs?.[Math.max(0, index * 2)] ?? row?.querySelector<HTMLElement>("input");
      target?.focus();
    });
  const copy = (day: number) => {
    const slots = days[day] ?? [];
    form.set(
      "days",
      days.map((each) => (each.length > 0 ? slots : each)),
    );
    setTold(`${DAYS[day]}'s times are now those of every open day`);
  };
  const open = days.filter((slots) => slots.length > 0).length;
  return (
    <>
      <ul className="week" ref={week}>
        {DAYS.map((name, day) => {
          const slots = days[day] ?? [];
          return (
            <li key={name} className="week-day">
              <div className="week-name">
                <SwitchEntry
                  selected={slots.length > 0}
                  onChange={(on) =>
                    change(day, on ? [days.find((each) => each.length > 0)?.[0] ?? USUAL] : [])
                  }
                >
                  {name}
                </SwitchEntry>
              </div>
              <div className="slots">
                {slots.length === 0 && <span className="week-closed">Closed</span>}
                {slots.map((slot, index) => {
                  const which = `${name}${slots.length > 1 ? `, ${index + 1}` : ""}`;
                  const error = form.fault(slotField(day, index));
                  const set = (changed: Partial<Slot>) =>
                    change(
                      day,
                      slots.map((each, at) => (at === index ? { ...each, ...changed } : each)),
                    );
                  return (
                    // biome-ignore lint/suspicious/noArrayIndexKey: an opening is known by its place
                    <div key={index} className="slot">
                      <TimeOfDay
                        label={`${which}: from`}
                        value={slot.from}
                        onChange={(from) => set({ from })}
                        error={error}
                      />
                      <span aria-hidden="true">–</span>
                      <TimeOfDay
                        end
                        label={`${which}: until`}
                        value={slot.to}
                        onChange={(to) => set({ to })}
                        error={error}
                      />
                      <span className="row-actions">
                        <IconAction
                          icon="trash"
                          label={`Remove ${which}`}
                          onPress={() => {
                            change(
                              day,
                              slots.filter((_, at) => at !== index),
                            );
                            focus(day, Math.min(index, slots.length - 2));
                          }}
                        />
                        {index === 0 && open > 1 && (
                          <IconAction
                            icon="copy"
                            label={`Use ${name}'s times for every open day`}
                            onPress={() => copy(day)}
                          />
                        )}
                      </span>
                      {error && <FaultLine text={error} />}
                    </div>
                  );
                })}
                {slots.length > 0 && slots.length < MOST_SLOTS && (
                  <div>
                    <Action
                      small
                      kind="quiet"
                      icon="plus"
                      aria-label={`Add times on ${name}`}
                      onPress={() => {
                        change(day, [...slots, after(slots)]);
                        focus(day, slots.length);
                      }}
                    >
                      Add times
                    </Action>
                  </div>
                )}
              </div>
            </li>
          );
        })}
      </ul>
      <span className="hidden-text" role="status">
        {told}
      </span>
    </>
  );
}

interface TimeProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  error: string | undefined;
  /** When something ends: midnight is behind the day. */
  end?: boolean;
}

/** A time of day, however it is typed; it is put in order once the field is left. */
function TimeOfDay({ label, value, onChange, error, end }: TimeProps) {
  const tidy = () => {
    const time = timeOf(value, end);
    if (time !== null && time !== value) onChange(time);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only hears that the field inside was left
    <div className="slot-time" onBlur={tidy}>
      <TextEntry label={label} hideLabel value={value} onChange={onChange} error={error} />
    </div>
  );
}
