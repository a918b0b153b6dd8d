export { ChoicesDraft as default } from "./Choices.tsx";
