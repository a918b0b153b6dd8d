import { ChoiceEntry, SwitchEntry, TextEntry } from "../design/fields.tsx";
import { Rows } from "../design/Rows.tsx";
import { SegmentEntry } from "../design/SegmentEntry.tsx";
import type { Form } from "./form.ts";
import { FormSection } from "./parts.tsx";
import { WholeFault } from "./WholeFault.tsx";
import { type GoalMatch, MOST_GOALS, MOST_OPTIONS, type WidgetValues } from "./widget-form.ts";

const RATING_HINT = {
  off: "Nobody is asked.",
  stars: "One to five, at the end of a chat.",
  thumbs: "Up or down, at the end of a chat. They count as five and as one.",
};

interface SectionProps {
  form: Form<WidgetValues>;
}

/** What visitors are asked once a chat is over. */
export function AfterChat({ form }: SectionProps) {
  const { values, set, fault } = form;
  return (
    <FormSection
      title="After a chat"
      hint="What visitors are asked. Their answers stand in the conversation and are told to your programs."
    >
      <SegmentEntry
        label="Rating"
        value={values.rating}
        onChange={(value) => set("rating", value)}
        error={fault("rating_form")}
        hint={RATING_HINT[values.rating]}
        choices={[
          { value: "off", label: "Off" },
          { value: "stars", label: "Stars" },
          { value: "thumbs", label: "Thumbs" },
        ]}
      />
      <SwitchEntry
        selected={values.ask_feedback}
        onChange={(value) => set("ask_feedback", value)}
        hint="A field for a few words of their own."
      >
        Ask for feedback
      </SwitchEntry>
      <SwitchEntry
        selected={values.surveyed}
        onChange={(value) => set("surveyed", value)}
        hint="One question with ready answers, once the conversation was set to ended."
      >
        Ask a question
      </SwitchEntry>
      {values.surveyed && (
        <div className="stack sub-fields">
          <TextEntry
            label="Question"
            value={values.question}
            onChange={(value) => set("question", value)}
            error={fault("survey.question")}
            placeholder="Did we solve it?"
          />
          <fieldset className="plain-set stack">
            <legend className="field-label">Answers</legend>
            <WholeFault form={form} field="survey.options" />
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
                  error={fault(`survey.options[${index}]`)}
                />
              )}
            </Rows>
          </fieldset>
        </div>
      )}
    </FormSection>
  );
}

const MATCHES: { value: GoalMatch; label: string }[] = [
  { value: "exact", label: "Address is" },
  { value: "prefix", label: "Address begins with" },
  { value: "contains", label: "Address contains" },
  { value: "script", label: "Your script says" },
];

const EXAMPLE: Record<GoalMatch, string> = {
  exact: "https://shop.example/thanks",
  prefix: "/checkout/done",
  contains: "order_id=",
  script: "newsletter",
};

/** What visitors may do on the site that somebody wants to know of. */
export function Goals({ form }: SectionProps) {
  const { values, set, fault } = form;
  return (
    <FormSection
      title="Goals"
      hint="What visitors do on your site while they chat: see the thank-you page, sign up. Each is told once for each session."
    >
      <WholeFault form={form} field="goals" />
      <Rows
        kind="goal"
        className="goal-line"
        most={MOST_GOALS}
        items={values.goals}
        onChange={(goals) => set("goals", goals)}
        fresh={() => ({ name: "", match: "prefix" as const, pattern: "" })}
      >
        {(goal, index, change) => (
          <>
            <TextEntry
              label={`Goal ${index + 1}`}
              value={goal.name}
              onChange={(name) => change({ ...goal, name })}
              error={fault(`goals[${index}].name`)}
              placeholder="Order placed"
            />
            <div className="goal-rule">
              <ChoiceEntry
                label={`Reached when, goal ${index + 1}`}
                hideLabel
                value={goal.match}
                onChange={(match) => change({ ...goal, match })}
                error={fault(`goals[${index}].match`)}
                choices={MATCHES}
              />
              <TextEntry
                label={goal.match === "script" ? `Key of goal ${index + 1}` : `Address of goal ${index + 1}`}
                hideLabel
                value={goal.pattern}
                onChange={(pattern) => change({ ...goal, pattern })}
                error={fault(`goals[${index}].pattern`)}
                hint={
                  goal.match === "script" ? (
                    <code>parley.goal("{goal.pattern.trim() || EXAMPLE.script}")</code>
                  ) : undefined
                }
                placeholder={EXAMPLE[goal.match]}
                mono
              />
            </div>
          </>
        )}
      </Rows>
    </FormSection>
  );
}
